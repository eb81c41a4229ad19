/* server/channel.h - what all who want the same of the stream share: pieces of bytes, each from one
 * cursor to another, rendered once.
 *
 * Private to the hub (server/hub_inside.h), whose lock guards the pieces of a channel; a piece that is
 * kept lives on without it. */
#pragma once
#include "server/feed.h"

#include <stdatomic.h>

/* Some bytes, shared: of a channel, from one cursor to another; or a notice, which moves nobody. */
typedef struct Piece {
    _Atomic unsigned count;
    struct Piece *next; /* the channel's */
    bool is_notice;
    ChangeCursor from, reached;
    size_t len;
    char bytes[];
} Piece;

/* NULL: no memory. */
Piece *piece_new(Str bytes, const ChangeCursor *from, const ChangeCursor *reached);
Piece *piece_new_notice(Str bytes);
Piece *piece_keep(Piece *piece);
void piece_drop(Piece *piece); /* NULL is fine */

/* All who want the same. Made by HTTP threads; the hub's thread alone drops it, so that it may walk
 * along them without the lock. */
typedef struct Channel {
    struct Channel *next;
    Arena strings; /* of key and filter */
    Str key;
    Feed feed;
    Format format;
    size_t subscribers;
    uint64_t newest; /* generation; who is behind it has something to get */
    Piece *first, *last;
    size_t piece_count;
} Channel;

/* `key` and `feed` are copied. Owns: ends with channel_free(). NULL: no memory. */
Channel *channel_new(Str key, const Feed *feed, Format format);
void channel_free(Channel *channel);
/* NULL: it must be rendered. */
Piece *channel_find(const Channel *channel, const ChangeCursor *from);
void channel_add(Channel *channel, Piece *piece); /* which is the channel's then */
