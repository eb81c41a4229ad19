/* base/log.h - one line an event, to stderr: logfmt or JSON.
 *
 *     log_info("ingest applied generation=%" PRIu64 " changed=%zu", generation, changed);
 *
 * The text is component, event (of one word or several), then key=value; a value with blanks is
 * quoted by the caller with LOG_TEXT. Workers and main log; base, model and store return errors instead. Keeps errno.
 * Any thread; a line is one write. */
#pragma once
#include "base/base.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;
typedef enum LogForm { LOG_LOGFMT, LOG_JSON } LogForm;

void log_configure(LogLevel least, LogForm form); /* before the first thread */
void log_line(LogLevel level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define LOG_TEXT       "\"%s\"" /* the argument's own quotes and line ends are made harmless */
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
