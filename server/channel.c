#include "server/channel.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_PIECES = 64 }; /* of a channel, for others who come to the same place */

/* ---- pieces ------------------------------------------------------------------------------------ */

Piece *piece_new(Str bytes, const ChangeCursor *from, const ChangeCursor *reached)
{
    Piece *piece = malloc(sizeof *piece + bytes.len);
    if (piece == NULL)
        return NULL;
    *piece = (Piece){.count = 1, .from = *from, .reached = *reached, .len = bytes.len};
    if (bytes.len > 0)
        memcpy(piece->bytes, bytes.ptr, bytes.len);
    return piece;
}

Piece *piece_new_notice(Str bytes)
{
    const ChangeCursor nowhere = {.epoch = 0};
    Piece *piece = piece_new(bytes, &nowhere, &nowhere);
    if (piece != NULL)
        piece->is_notice = true;
    return piece;
}

Piece *piece_keep(Piece *piece)
{
    (void) atomic_fetch_add_explicit(&piece->count, 1, memory_order_relaxed);
    return piece;
}

void piece_drop(Piece *piece)
{
    if (piece != NULL && atomic_fetch_sub_explicit(&piece->count, 1, memory_order_acq_rel) == 1)
        free(piece);
}

static bool is_same_place(const ChangeCursor *a, const ChangeCursor *b)
{
    return a->generation == b->generation && a->taken == b->taken && a->epoch == b->epoch;
}

Piece *channel_find(const Channel *channel, const ChangeCursor *from)
{
    Piece *piece = channel->first;
    while (piece != NULL && !is_same_place(&piece->from, from))
        piece = piece->next;
    return piece;
}

static void drop_first_piece(Channel *channel)
{
    Piece *piece = channel->first;
    channel->first = piece->next;
    if (channel->first == NULL)
        channel->last = NULL;
    channel->piece_count--;
    piece_drop(piece);
}

void channel_add(Channel *channel, Piece *piece)
{
    *(channel->last != NULL ? &channel->last->next : &channel->first) = piece;
    channel->last = piece;
    if (++channel->piece_count > KEPT_PIECES)
        drop_first_piece(channel);
}

/* ---- channels ---------------------------------------------------------------------------------- */

void channel_free(Channel *channel)
{
    while (channel->first != NULL)
        drop_first_piece(channel);
    arena_release(&channel->strings);
    free(channel);
}

Channel *channel_new(Str key, const Feed *feed, Format format)
{
    Channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    channel->strings = arena_init();
    channel->feed = *feed;
    channel->format = format;
    if (arena_copy(&channel->strings, key, &channel->key) &&
        filter_copy(&channel->strings, &feed->filter, &channel->feed.filter))
        return channel;
    channel_free(channel);
    return NULL;
}
