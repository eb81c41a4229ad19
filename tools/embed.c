/* tools/embed.c - files to bytes in C: embed PATH=FILE ... > assets_data.c
 *
 * Makes the table that server/assets.h declares: FILE is served as PATH, its content type told by the
 * end of its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *end, *content_type;
} TYPES[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".yaml", "application/yaml"},
};

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "embed: %s: %s\n", what, name);
    exit(1);
}

static const char *type_of(const char *file)
{
    const char *end = strrchr(file, '.');
    for (size_t i = 0; end != NULL && i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(end, TYPES[i].end) == 0)
            return TYPES[i].content_type;
    fail("no content type is known for", file);
    return NULL;
}

static void put_bytes(const char *path, int number)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        fail("cannot open", path);
    printf("static const unsigned char ASSET_%d[] = {", number);
    size_t count = 0;
    for (int c = getc(in); c != EOF; c = getc(in), count++)
        printf("%s%d,", count % 24 == 0 ? "\n" : "", c);
    printf("0};\n");
    if (ferror(in))
        fail("cannot read", path);
    (void) fclose(in);
}

int main(int argc, char **argv)
{
    printf("#include \"server/assets.h\"\n\n");
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL)
            fail("expected PATH=FILE", argv[i]);
        *equals = '\0';
        put_bytes(equals + 1, i);
    }
    printf("\nconst Asset ASSETS[] = {\n");
    for (int i = 1; i < argc; i++)
        printf("    {\"%s\", \"%s\", ASSET_%d, sizeof ASSET_%d - 1},\n", argv[i],
               type_of(argv[i] + strlen(argv[i]) + 1), i, i);
    printf("    {0},\n};\n");
    return ferror(stdout) || fflush(stdout) != 0;
}
