/* server/assets.h - files that are compiled in; the table is made by tools/embed.c. */
#pragma once
#include <stddef.h>

typedef struct Asset {
    const char *path; /* as requested: "/openapi.yaml"; NULL ends the table */
    const char *content_type;
    const unsigned char *bytes;
    size_t len;
} Asset;

extern const Asset ASSETS[];
