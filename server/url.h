/* server/url.h - addresses of ours that stand in answers. */
#pragma once
#include "server/request.h"

/* The path that `req` came by, without a suffix. */
void url_put_path(Buf *out, const Request *req);
/* The address of what `req` asks for, in `format`: the suffix where its path can have one, the
 * parameter `format` where not. */
Str url_in_format(const Request *req, Format format);
/* The address that `req` came by, with `id` in place of its first argument, without a cursor. */
Str url_with_id(const Request *req, Str id);
/* The address that `req` came by, with `cursor`; none: without one, where the list begins. */
Str url_at_cursor(const Request *req, Str cursor);
/* The address `url` at `cursor`, which it has none of yet. */
Str url_add_cursor(const Request *req, Str url, Str cursor);
