/* config_inside.h - what the files of config share, and nobody else.
 *
 * config_table.c holds the table of settings and knows how the value of each is written; config.c reads
 * them from wherever they stand; config_parts.c makes them the options of the parts. */
#pragma once
#include "config.h"

typedef enum Kind { TEXT, CHOICE, COUNT, BYTES, SECONDS, MILLISECONDS } Kind;

typedef struct Setting {
    const char *name; /* --name, FRESHET_NAME, name =; NULL ends the table */
    size_t at;        /* in Config */
    Kind kind;
    const char *preset;
    int64_t min, max;    /* in the kind's unit */
    const char *choices; /* of a CHOICE: separated by | */
    const char *help;
} Setting;

extern const Setting SETTINGS[];

/* NULL: there is none of that name. */
const Setting *setting_find(Str name);
/* Says that there is none, and which may have been meant. */
void setting_refuse_unknown(Str name, const char *origin, Buf *faults);
/* FRESHET_NAME */
enum { SETTING_ENV_SIZE = 64 };
void setting_env_name(const Setting *setting, char name[static SETTING_ENV_SIZE]);

/* Reads `text` into *config. `origin` tells the user where it stands: --listen, FRESHET_LISTEN, file:3. */
void setting_read(const Setting *setting, Config *config, Str text, const char *origin,
                  Buf *faults);
/* 15m is 900; the suffix in any case. */
MUST_USE bool amount_read(Str text, Kind kind, int64_t *ret);

/* Whether `word` is a command. */
bool command_find(const char *word, Command *ret);

KafkaOptions config_kafka_options(const Config *config);
