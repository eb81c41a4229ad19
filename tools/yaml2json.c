/* tools/yaml2json.c - yaml2json FILE: the YAML document in FILE as JSON on stdout.
 *
 * Aliases are written out where they stand. A plain scalar is null, a truth value or a number where
 * JSON spells it so, and text otherwise, as in YAML 1.2's core; a quoted one is always text. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "yaml2json: %s: %s\n", what, name);
    exit(1);
}

static bool is_number(const char *text)
{
    char *end;
    (void) strtod(text, &end);
    size_t digits = strspn(text, "-0123456789.eE+");
    return *text != '\0' && *end == '\0' && text[digits] == '\0' && strchr("+.", *text) == NULL;
}

static bool is_literal(const yaml_node_t *node)
{
    const char *text = (const char *) node->data.scalar.value;
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (strcmp(text, "null") == 0 || strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
            is_number(text));
}

static void put_text(const yaml_node_t *node)
{
    const unsigned char *at = node->data.scalar.value;
    const unsigned char *end = at + node->data.scalar.length;
    putchar('"');
    for (; at < end; at++) {
        if (*at == '\n')
            fputs("\\n", stdout);
        else if (*at < ' ')
            printf("\\u%04x", *at);
        else if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else
            putchar(*at);
    }
    putchar('"');
}

static void put_node(yaml_document_t *document, int id);

static void put_list(yaml_document_t *document, const yaml_node_t *node)
{
    const yaml_node_item_t *first = node->data.sequence.items.start;
    putchar('[');
    for (const yaml_node_item_t *item = first; item < node->data.sequence.items.top; item++) {
        if (item > first)
            putchar(',');
        put_node(document, *item);
    }
    putchar(']');
}

static void put_map(yaml_document_t *document, const yaml_node_t *node)
{
    const yaml_node_pair_t *first = node->data.mapping.pairs.start;
    putchar('{');
    for (const yaml_node_pair_t *pair = first; pair < node->data.mapping.pairs.top; pair++) {
        if (pair > first)
            putchar(',');
        put_text(yaml_document_get_node(document, pair->key)); /* a key is text in JSON */
        putchar(':');
        put_node(document, pair->value);
    }
    putchar('}');
}

static void put_node(yaml_document_t *document, int id)
{
    const yaml_node_t *node = yaml_document_get_node(document, id);
    if (node->type == YAML_SEQUENCE_NODE)
        put_list(document, node);
    else if (node->type == YAML_MAPPING_NODE)
        put_map(document, node);
    else if (is_literal(node))
        fputs((const char *) node->data.scalar.value, stdout);
    else
        put_text(node);
}

int main(int argc, char **argv)
{
    yaml_parser_t parser;
    yaml_document_t document;
    FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (in == NULL)
        fail("expected a file that can be read", argc == 2 ? argv[1] : "");
    if (yaml_parser_initialize(&parser) == 0)
        fail("no memory", argv[1]);
    yaml_parser_set_input_file(&parser, in);
    if (yaml_parser_load(&parser, &document) == 0)
        fail(parser.problem != NULL ? parser.problem : "no YAML", argv[1]);
    if (yaml_document_get_root_node(&document) == NULL)
        fail("empty", argv[1]);
    put_node(&document, 1); /* the root */
    putchar('\n');
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    (void) fclose(in);
    return ferror(stdout) || fflush(stdout) != 0;
}
