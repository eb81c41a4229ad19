/* server/host.h - whom a request is meant for. */
#pragma once
#include "base/str.h"

/* Whether `authority`, a host with or without a port, is one that we answer for: the Agency's, whose
 * place we take for clients that come through a proxy setting, or where we listen ourselves, which is
 * `listen` as configured and `port` as it came to be. */
bool host_is_ours(Str authority, const char *listen, unsigned port);

/* Whether it can stand in an address as it is. */
bool host_is_sound(Str authority);
