#include "export/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool xml_find(Str xml, const char *name, Str *ret_content, Str *ret_rest)
{
    char begin[72], end[72];
    size_t at = 0, len = 0;
    (void) snprintf(begin, sizeof begin, "<%s>", name);
    (void) snprintf(end, sizeof end, "</%s>", name);
    if (!str_find(xml, str_of(begin), &at))
        return false;
    at += strlen(begin);
    Str content = {xml.ptr + at, xml.len - at};
    if (!str_find(content, str_of(end), &len))
        return false;
    *ret_content = (Str){content.ptr, len};
    len += strlen(end);
    if (ret_rest != NULL)
        *ret_rest = (Str){content.ptr + len, content.len - len};
    return true;
}

static void put_utf8(Buf *out, unsigned long code)
{
    if (code < 0x80) {
        buf_put_char(out, (char) code);
    } else if (code < 0x800) {
        buf_put_char(out, (char) (0xc0 | code >> 6));
        buf_put_char(out, (char) (0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buf_put_char(out, (char) (0xe0 | code >> 12));
        buf_put_char(out, (char) (0x80 | (code >> 6 & 0x3f)));
        buf_put_char(out, (char) (0x80 | (code & 0x3f)));
    } else {
        buf_put_char(out, (char) (0xf0 | code >> 18));
        buf_put_char(out, (char) (0x80 | (code >> 12 & 0x3f)));
        buf_put_char(out, (char) (0x80 | (code >> 6 & 0x3f)));
        buf_put_char(out, (char) (0x80 | (code & 0x3f)));
    }
}

/* #38 or #x26. */
static bool put_numbered(Buf *out, Str entity)
{
    char digits[16], *end = NULL;
    bool is_hex = entity.len > 1 && (entity.ptr[1] == 'x' || entity.ptr[1] == 'X');
    size_t skip = is_hex ? 2 : 1;
    if (entity.len <= skip || entity.len - skip >= sizeof digits)
        return false;
    memcpy(digits, entity.ptr + skip, entity.len - skip);
    digits[entity.len - skip] = '\0';
    unsigned long code = strtoul(digits, &end, is_hex ? 16 : 10);
    if (*end != '\0' || code == 0 || code > 0x10ffff)
        return false;
    put_utf8(out, code);
    return true;
}

static bool put_entity(Buf *out, Str entity)
{
    static const struct {
        const char *name;
        char c;
    } NAMED[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < countof(NAMED); i++) {
        if (str_eq(entity, str_of(NAMED[i].name))) {
            buf_put_char(out, NAMED[i].c);
            return true;
        }
    }
    return str_starts(entity, STR("#")) && put_numbered(out, entity);
}

bool xml_put_text(Buf *out, Str content)
{
    Str text, entity, rest = content;
    while (str_cut(rest, '&', &text, &rest)) {
        buf_put_str(out, text);
        if (!str_cut(rest, ';', &entity, &rest) || !put_entity(out, entity))
            return false;
    }
    buf_put_str(out, rest);
    return true;
}
