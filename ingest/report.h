/* ingest/report.h - what is told of a poll that went well: its lines in the log, and what it cost.
 *
 * Ingest thread. */
#pragma once
#include "ingest/backfill.h"

/* Adds the processor time of its parts to the metrics. */
void report_count_cpu(const PollReport *report);
/* The line that says that the poll is over is the last one. */
void report_log(const PollReport *report, const Filled *filled, int64_t next_in_s);
