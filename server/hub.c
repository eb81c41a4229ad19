#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/worker.h"
#include "server/exported.h"
#include "server/hub_inside.h"
#include "server/sse.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_ITEMS = 500,
    /* looked at for one piece: some 40 ms, taken or not; as long again for each thousand measures
     * among them where a filter asks what values mean */
    PIECE_SEEN = 20000,
    PIECE_MAX_BYTES = 8 << 20,
    PREPARED_PIECES = 16, /* of a generation, before those are woken who wait for it */
    TICK_MS = 250,        /* how exactly deadlines are kept */
    WAKE_AT_ONCE = 256,   /* before others get the lock */
};

/* Its thread's: nobody is left who wants them. */
static void drop_empty_channels(Hub *hub)
{
    lock_assert_held(&hub->lock);
    Channel **place = &hub->channels;
    while (*place != NULL) {
        Channel *channel = *place;
        if (channel->subscribers > 0) {
            place = &channel->next;
            continue;
        }
        *place = channel->next;
        channel_free(channel);
    }
}

/* ---- rendering: the hub's thread --------------------------------------------------------------- */

static const PortionLimits LIMITS = {
    .items = PIECE_ITEMS, .seen = PIECE_SEEN, .one_generation = true, .bytes = PIECE_MAX_BYTES};

/* *ret_generation: of the snapshot. NULL: it could not be made. */
static Piece *render(const Hub *hub, const Channel *channel, const ChangeCursor *from,
                     uint64_t *ret_generation, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    CLEANUP(portion_release) Portion portion = {.count = 0};
    CLEANUP(buf_release) Buf text = buf_init(PIECE_MAX_BYTES);
    ErrCode rc = store_snapshot(hub->store, &snap, err);
    if (rc == OK)
        rc = portion_take(snap, &channel->feed, from, &LIMITS, &portion, err);
    if (rc != OK)
        return NULL;
    *ret_generation = snapshot_info(snap)->generation;
    snapshot_close(TAKE(snap));
    sse_put_portion(&text, channel->format, &portion);
    return buf_check(&text, err) == OK ? piece_new(buf_view(&text), from, &portion.reached) : NULL;
}

/* Adds the piece that follows `from`, and tells where it ends. False: it could not be made; who wants
 * it goes on waiting, and it is tried again. */
static bool add_next(Hub *hub, Channel *channel, ChangeCursor *from)
{
    Err err = {.code = ERR_NO_MEMORY, .text = "no memory for a piece"};
    uint64_t generation = 0;
    Piece *piece = render(hub, channel, from, &generation, &err);
    if (piece == NULL) {
        log_warn("stream not rendered error=" LOG_TEXT, err.text);
        return false;
    }
    *from = piece->reached;
    lock_take(&hub->lock);
    if (channel->newest < generation)
        channel->newest = generation;
    channel_add(channel, piece);
    lock_give(&hub->lock);
    return true;
}

/* What the new generation brings, ahead of those who ask for it. The rest of a very large one is
 * rendered as the first of them gets there. */
static void prepare(Hub *hub, Channel *channel, uint64_t generation)
{
    ChangeCursor at = {.epoch = store_epoch(hub->store), .generation = channel->newest};
    bool goes_on = true;
    for (int i = 0; i < PREPARED_PIECES && goes_on; i++)
        goes_on = at.generation < generation && add_next(hub, channel, &at);
    lock_take(&hub->lock);
    if (channel->newest < generation)
        channel->newest = generation;
    lock_give(&hub->lock);
}

/* ---- waking: the hub's thread ------------------------------------------------------------------ */

/* Wakes who has something to send; the others are held on. */
static void sort_out(Subscriber *subscriber)
{
    if (subscriber_next_piece(subscriber) != NULL || subscriber_next_export(subscriber) != NULL ||
        subscriber->hub->draining || subscriber->needs_heartbeat) {
        subscriber_wake(subscriber);
        return;
    }
    int64_t since_ms = subscriber->since_ms;
    subscriber_enter(subscriber, subscriber_has_all(subscriber) ? STATE_IDLE : STATE_WANTING);
    subscriber->since_ms = since_ms; /* nothing was sent: its sign of life is still due */
}

/* All who are held in `ring`; others get the lock now and then. */
static void sort_out_all(Hub *hub, Link *ring)
{
    Link todo;
    size_t done = 0;
    lock_take(&hub->lock);
    ring_init(&todo);
    ring_take_over(&todo, ring);
    for (Subscriber *next; (next = ring_first(&todo)) != NULL; done++) {
        if (done % WAKE_AT_ONCE == WAKE_AT_ONCE - 1) {
            lock_give(&hub->lock);
            lock_take(&hub->lock);
            if ((next = ring_first(&todo)) == NULL)
                break;
        }
        sort_out(next);
    }
    lock_give(&hub->lock);
}

static void wake_waits(Hub *hub, uint64_t generation, int64_t now_ms)
{
    lock_assert_held(&hub->lock);
    for (HubWait *wait = hub->waits.after, *after; wait != &hub->waits; wait = after) {
        after = wait->after;
        if (wait->generation >= generation && wait->until_ms > now_ms && !hub->draining)
            continue;
        wait->before->after = wait->after;
        wait->after->before = wait->before;
        wait->is_held = false;
        hub->hooks.wake(wait->waiter);
    }
}

static void tell_generation(Hub *hub, uint64_t generation)
{
    lock_take(&hub->lock);
    drop_empty_channels(hub);
    Channel *first = hub->channels;
    hub->generation = generation;
    lock_give(&hub->lock);
    for (Channel *channel = first; channel != NULL; channel = channel->next)
        prepare(hub, channel, generation);
    sort_out_all(hub, &hub->idle);
}

/* One piece for the first who wants one; who wants the same gets it too. False: it failed. */
static bool serve_one(Hub *hub)
{
    lock_take(&hub->lock);
    const Subscriber *first = ring_first(&hub->wanting);
    Channel *channel = first != NULL ? first->channel : NULL;
    ChangeCursor at = first != NULL ? first->at : (ChangeCursor){.epoch = 0};
    lock_give(&hub->lock);
    if (channel == NULL)
        return true;
    bool made = add_next(hub, channel, &at);
    if (made)
        sort_out_all(hub, &hub->wanting);
    return made;
}

static void give_signs_of_life(Hub *hub, int64_t now_ms)
{
    for (Subscriber *next; (next = ring_first(&hub->idle)) != NULL &&
                           now_ms - next->since_ms >= hub->options.heartbeat_ms;) {
        next->needs_heartbeat = true;
        subscriber_wake(next);
    }
}

/* First it is asked to end, at the end of its piece; then it is cut off. */
static void send_off_the_slow(Hub *hub, int64_t now_ms)
{
    for (Subscriber *next; (next = ring_first(&hub->busy)) != NULL &&
                           now_ms - next->since_ms >= hub->options.slow_ms;) {
        if (next->is_slow)
            hub->hooks.cut(next->waiter);
        else
            metric_add(METRIC_HTTP_SUBSCRIBERS_SLOW, 1);
        next->is_slow = true;
        subscriber_enter(next, STATE_BUSY);
    }
}

static void keep_deadlines(Hub *hub)
{
    int64_t now_ms = clock_elapsed_ms();
    lock_take(&hub->lock);
    give_signs_of_life(hub, now_ms);
    send_off_the_slow(hub, now_ms);
    wake_waits(hub, store_generation(hub->store), now_ms);
    lock_give(&hub->lock);
}

/* ---- exports: at the start, then the hub's thread ---------------------------------------------- */

enum { EXPORTED_MAX_BYTES = 1 << 17 }; /* a manifest has some 2 KB */

static ErrCode read_exported(Store *store, Buf *exported, Err *err)
{
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    JsonWriter json = json_writer(exported);
    ErrCode rc = store_snapshot(store, &snap, err);
    if (rc == OK)
        rc = put_newest_exported(&json, snap, err);
    return rc == OK ? buf_check(exported, err) : rc;
}

/* NULL: there is none, or no memory for it; then nobody is told. */
static Piece *render_exported(Str exported, Format format)
{
    CLEANUP(buf_release) Buf text = buf_init(2 * EXPORTED_MAX_BYTES);
    if (!str_starts(exported, STR("{")))
        return NULL;
    sse_put_snapshot(&text, format, exported);
    return text.error == OK ? piece_new_notice(buf_view(&text)) : NULL;
}

/* False: it could not be read; what was known stays. */
static bool note_exported(Hub *hub)
{
    static const Format PUSHED[] = {FORMAT_SSE, FORMAT_NDJSON};
    Err err = {.code = OK};
    Buf exported = buf_init(EXPORTED_MAX_BYTES);
    bool is_read = read_exported(hub->store, &exported, &err) == OK;
    if (is_read) {
        lock_take(&hub->lock);
        const Buf before = hub->exported;
        hub->exported = exported;
        exported = before;
        for (size_t i = 0; i < countof(PUSHED); i++) {
            piece_drop(hub->export_pieces[PUSHED[i]]);
            hub->export_pieces[PUSHED[i]] = render_exported(buf_view(&hub->exported), PUSHED[i]);
        }
        lock_give(&hub->lock);
    } else {
        log_warn("stream snapshot not told error=" LOG_TEXT, err.text);
    }
    buf_release(&exported);
    return is_read;
}

static void tell_export(Hub *hub, uint64_t export_count)
{
    hub->exports_seen = export_count;
    if (!note_exported(hub))
        return;
    lock_take(&hub->lock);
    hub->exports_told++;
    lock_give(&hub->lock);
    sort_out_all(hub, &hub->idle);
}

/* ---- the thread --------------------------------------------------------------------------------- */

/* Sleeps until there may be something to do. False: stop now. */
static bool rest(Hub *hub, bool is_failing)
{
    lock_take(&hub->lock);
    bool has_work = ring_first(&hub->wanting) != NULL && !is_failing;
    bool is_watched = hub->count > 0 || hub->waits.after != &hub->waits;
    bool is_news = hub->generation != store_generation(hub->store) ||
                   hub->exports_seen != store_export_count(hub->store);
    if (!hub->stopped && !has_work && !is_news)
        (void) cond_wait(&hub->change, &hub->lock,
                         is_watched ? clock_elapsed_ms() + TICK_MS : INT64_MAX);
    bool goes_on = !hub->stopped;
    lock_give(&hub->lock);
    return goes_on;
}

static void *run(void *ctx)
{
    Hub *hub = ctx;
    bool is_failing = false;
    worker_give_way();
    while (rest(hub, is_failing)) {
        uint64_t generation = store_generation(hub->store);
        if (generation != hub->generation) /* which no other thread writes */
            tell_generation(hub, generation);
        uint64_t export_count = store_export_count(hub->store);
        if (export_count != hub->exports_seen)
            tell_export(hub, export_count);
        is_failing = !serve_one(hub);
        keep_deadlines(hub);
    }
    return NULL;
}

/* ---- requests that wait ------------------------------------------------------------------------ */

bool hub_hold(Hub *hub, HubWait *wait)
{
    lock_take(&hub->lock);
    bool taken = !hub->draining;
    if (taken) {
        wait->is_held = true;
        wait->before = hub->waits.before;
        wait->after = &hub->waits;
        hub->waits.before->after = wait;
        hub->waits.before = wait;
        hub->hooks.hold(wait->waiter);
        cond_signal_all(&hub->change); /* it may sleep for ever, or the generation be there */
    }
    lock_give(&hub->lock);
    return taken;
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static void told(void *ctx, uint64_t generation)
{
    Hub *hub = ctx;
    (void) generation;
    lock_take(&hub->lock);
    cond_signal_all(&hub->change);
    lock_give(&hub->lock);
}

ErrCode hub_start(Store *store, const HubOptions *options, const HubHooks *hooks, Hub **ret_hub,
                  Err *err)
{
    Hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for the stream");
    *hub = (Hub){.store = store, .options = *options, .hooks = *hooks};
    hub->generation = store_generation(store);
    hub->exports_seen = store_export_count(store);
    hub->exported = buf_init(EXPORTED_MAX_BYTES);
    hub->waits = (HubWait){.before = &hub->waits, .after = &hub->waits};
    lock_init(&hub->lock);
    cond_init(&hub->change);
    ring_init(&hub->idle);
    ring_init(&hub->wanting);
    ring_init(&hub->busy);
    (void) note_exported(hub); /* without it a reset names none */
    ErrCode rc = store_watch(store, told, hub, err);
    int failure = rc == OK ? pthread_create(&hub->thread, NULL, run, hub) : 0;
    if (failure != 0)
        rc = err_set(err, ERR_NO_MEMORY, "start of the stream thread: %s", strerror(failure));
    if (rc != OK) {
        hub_close(hub);
        return rc;
    }
    (void) pthread_setname_np(hub->thread, "stream");
    hub->started = true;
    *ret_hub = hub;
    return OK;
}

void hub_drain(Hub *hub)
{
    lock_take(&hub->lock);
    hub->draining = true;
    wake_waits(hub, 0, 0);
    lock_give(&hub->lock);
    sort_out_all(hub, &hub->idle);
    sort_out_all(hub, &hub->wanting);
}

void hub_stop(Hub *hub)
{
    lock_take(&hub->lock);
    hub->stopped = true;
    for (const Link *link = hub->busy.after; link != &hub->busy; link = link->after)
        hub->hooks.cut(((const Subscriber *) (const void *) link)->waiter);
    cond_signal_all(&hub->change);
    lock_give(&hub->lock);
    if (hub->started)
        (void) pthread_join(hub->thread, NULL);
    hub->started = false;
}

void hub_close(Hub *hub)
{
    if (hub == NULL)
        return;
    store_unwatch(hub->store, told, hub);
    hub_stop(hub);
    assert(hub->count == 0);
    lock_take(&hub->lock);
    drop_empty_channels(hub);
    lock_give(&hub->lock);
    for (size_t i = 0; i < countof(hub->export_pieces); i++)
        piece_drop(hub->export_pieces[i]);
    buf_release(&hub->exported);
    cond_release(&hub->change);
    lock_release(&hub->lock);
    free(hub);
}
