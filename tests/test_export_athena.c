/* deploy/athena says the same columns as the files: in SQL and as Glue tables. */
#include "export/tables.h"
#include "tests/test.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name; /* in Athena */
    const Table *table;
    const char *dt; /* the partition; "": it has none */
} TABLES[] = {
    {"readings_raw", &READINGS_TABLE, "dt string"},
    {"stations_raw", &STATIONS_TABLE, ""},
    {"measures_raw", &MEASURES_TABLE, ""},
    {"window_readings", &READINGS_TABLE, ""},
};

static const char *athena_type(ParquetType type)
{
    static const char *const names[] = {
        [PARQUET_STRING] = "string", [PARQUET_TIMESTAMP] = "timestamp", [PARQUET_DOUBLE] = "double",
        [PARQUET_INT] = "int",       [PARQUET_BOOL] = "boolean",
    };
    return names[type];
}

/* "measure string,station string,..." */
static Buf columns_of(const Table *table)
{
    Buf out = buf_init(16384);
    for (size_t i = 0; i < table->column_count; i++)
        buf_printf(&out, "%s%s %s", i > 0 ? "," : "", table->columns[i].name,
                   athena_type(table->columns[i].type));
    return out;
}

static Buf read_text(const char *path)
{
    Buf text = buf_init(1 << 20);
    char piece[4096];
    FILE *file = fopen(path, "re");
    REQUIRE(file != NULL);
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_put(&text, piece, got);
    (void) fclose(file);
    buf_put_char(&text, '\0');
    return text;
}

/* What stands in the brackets behind `head`, without quotes and blanks around the columns. */
static Buf columns_in(const char *sql, const char *head)
{
    Buf out = buf_init(16384);
    const char *at = strstr(sql, head);
    REQUIRE(at != NULL);
    for (at = strchr(at, '(') + 1; *at != ')'; at++) {
        bool is_blank = *at == ' ' || *at == '\n';
        bool begins = out.len == 0 || out.ptr[out.len - 1] == ',';
        if (*at != '`' && !(is_blank && (begins || at[1] == ')' || *at == '\n')))
            buf_put_char(&out, *at);
    }
    return out;
}

TEST(athena_tables_have_the_columns_of_the_files)
{
    CLEANUP(buf_release) Buf sql = read_text("deploy/athena/tables.sql");
    for (size_t i = 0; i < countof(TABLES); i++) {
        char head[100];
        CASE(TABLES[i].name);
        (void) snprintf(head, sizeof head, "CREATE EXTERNAL TABLE %s (", TABLES[i].name);
        CLEANUP(buf_release) Buf want = columns_of(TABLES[i].table);
        CLEANUP(buf_release) Buf got = columns_in(sql.ptr, head);
        CHECK_STR(buf_view(&want), buf_view(&got));
        if (TABLES[i].dt[0] == '\0')
            continue;
        CLEANUP(buf_release) Buf dt = columns_in(strstr(sql.ptr, head), "PARTITIONED BY (");
        CHECK_TEXT(TABLES[i].dt, buf_view(&dt));
    }
}

/* Of an array or object; NULL: it is none, or empty. */
static const cJSON *first_of(const cJSON *list)
{
    return list != NULL ? list->child : NULL;
}

static const cJSON *glue_table(const cJSON *template, const char *name)
{
    for (const cJSON *resource = first_of(cJSON_GetObjectItem(template, "Resources"));
         resource != NULL; resource = resource->next) {
        const cJSON *input =
            cJSON_GetObjectItem(cJSON_GetObjectItem(resource, "Properties"), "TableInput");
        const cJSON *found = cJSON_GetObjectItem(input, "Name");
        if (cJSON_IsString(found) && strcmp(found->valuestring, name) == 0)
            return input;
    }
    return NULL;
}

static Buf glue_columns(const cJSON *columns)
{
    Buf out = buf_init(16384);
    for (const cJSON *column = first_of(columns); column != NULL; column = column->next)
        buf_printf(&out, "%s%s %s", out.len > 0 ? "," : "",
                   cJSON_GetObjectItem(column, "Name")->valuestring,
                   cJSON_GetObjectItem(column, "Type")->valuestring);
    return out;
}

TEST(glue_tables_say_the_same_as_the_sql)
{
    CLEANUP(buf_release) Buf text = read_text("deploy/athena/glue.json");
    CLEANUP(buf_release) Buf sql = read_text("deploy/athena/tables.sql");
    cJSON *template = cJSON_Parse(text.ptr);
    REQUIRE(template != NULL);
    for (size_t i = 0; i < countof(TABLES); i++) {
        CASE(TABLES[i].name);
        const cJSON *input = glue_table(template, TABLES[i].name);
        REQUIRE(input != NULL);
        CLEANUP(buf_release) Buf want = columns_of(TABLES[i].table);
        CLEANUP(buf_release)
        Buf got = glue_columns(
            cJSON_GetObjectItem(cJSON_GetObjectItem(input, "StorageDescriptor"), "Columns"));
        CHECK_STR(buf_view(&want), buf_view(&got));
        CLEANUP(buf_release)
        Buf keys = glue_columns(cJSON_GetObjectItem(input, "PartitionKeys"));
        CHECK_TEXT(TABLES[i].dt, keys.len > 0 ? buf_view(&keys) : STR(""));

        for (const cJSON *parameter = first_of(cJSON_GetObjectItem(input, "Parameters"));
             parameter != NULL; parameter = parameter->next) {
            char line[200];
            if (strncmp(parameter->string, "projection.", 11) != 0)
                continue;
            (void) snprintf(line, sizeof line, "'%s' = '%s'", parameter->string,
                            parameter->valuestring);
            CHECK_HAS(line, str_of(sql.ptr));
        }
    }
    cJSON_Delete(template);
}
