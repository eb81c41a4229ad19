#include "server/packed.h"

#include "base/compress.h"

#include <stdlib.h>
#include <string.h>

/* Bodies, in bytes: below, what surrounds them is most of what they take; above, unpacking takes
 * longer than others should wait for. */
enum { BODY_MIN = 512, BODY_MAX = 128 * 1024, HEADERS_MAX = 8 * 1024 };

struct Packed {
    _Atomic unsigned count;
    unsigned status;
    size_t headers_bytes, body_bytes, bytes;
    char text[]; /* headers and body, packed */
};

static Packed *packed_new(const Finished *finished, size_t headers_bytes, Str text)
{
    Packed *packed = malloc(sizeof *packed + text.len);
    if (packed == NULL)
        return NULL;
    *packed = (Packed){.count = 1,
                       .status = finished_status(finished),
                       .headers_bytes = headers_bytes,
                       .body_bytes = finished_body_bytes(finished),
                       .bytes = text.len};
    memcpy(packed->text, text.ptr, text.len);
    return packed;
}

Packed *packed_of(const Finished *finished)
{
    Str body = finished_body(finished);
    if (body.len < BODY_MIN || body.len > BODY_MAX)
        return NULL;
    CLEANUP(buf_release) Buf plain = buf_init(HEADERS_MAX + BODY_MAX);
    CLEANUP(buf_release) Buf small = buf_init(plain.max * 2);
    Err err = {.code = OK};
    finished_put_headers(finished, &plain);
    size_t headers_bytes = plain.len;
    buf_put_str(&plain, body);
    bool gains = plain.error == OK && compress_pack(buf_view(&plain), &small, &err) == OK &&
                 small.len < plain.len / 2;
    return gains ? packed_new(finished, headers_bytes, buf_view(&small)) : NULL;
}

Finished *packed_open(const Packed *packed, UnixSec expires)
{
    size_t bytes = packed->headers_bytes + packed->body_bytes;
    char *block = malloc(bytes);
    if (block == NULL)
        return NULL;
    if (!compress_unpack((Str){packed->text, packed->bytes}, block, bytes)) {
        free(block);
        return NULL;
    }
    return finished_of_block(packed->status, expires, block, packed->headers_bytes,
                             packed->body_bytes);
}

Packed *packed_keep(Packed *packed)
{
    (void) atomic_fetch_add_explicit(&packed->count, 1, memory_order_relaxed);
    return packed;
}

void packed_drop(Packed *packed)
{
    if (packed != NULL && atomic_fetch_sub_explicit(&packed->count, 1, memory_order_acq_rel) == 1)
        free(packed);
}

size_t packed_bytes(const Packed *packed)
{
    return sizeof *packed + packed->bytes;
}
