#include "server/host.h"

static const struct {
    const char *host;
    bool is_agency; /* at its own ports, not at ours */
} HOSTS[] = {
    {"environment.data.gov.uk", true},
    {"localhost", false},
    {"127.0.0.1", false},
    {"[::1]", false},
};

/* What follows the last colon, unless that is inside the brackets of an address; 80 where none does. */
static Str cut_port(Str *authority)
{
    Str port = str_after_last(*authority, ':');
    if (port.len == authority->len || str_ends(*authority, STR("]")))
        return STR("80");
    authority->len -= port.len + 1;
    return port;
}

bool host_is_ours(Str authority, const char *listen, unsigned port)
{
    Str host = authority;
    int64_t number = 0;
    if (str_eq_nocase(authority, str_of(listen)))
        return true;
    if (!str_to_int(cut_port(&host), &number))
        return false;
    for (size_t i = 0; i < countof(HOSTS); i++)
        if (str_eq_nocase(host, str_of(HOSTS[i].host)))
            return HOSTS[i].is_agency ? number == 80 || number == 443 : number == port;
    return false;
}

bool host_is_sound(Str authority)
{
    enum { HOST_MAX = 255 };
    for (size_t i = 0; i < authority.len; i++) {
        char c = authority.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' ||
                        c == ']' || c == '_';
        if (!is_plain)
            return false;
    }
    return authority.len > 0 && authority.len <= HOST_MAX;
}
