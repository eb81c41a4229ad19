/* The files in the data directory: made, locked, damaged, full, killed. */
#include "store/schema.h"
#include "tests/test_store_kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a store worth damaging ------------------------------------------------------------------ */

enum { DAY_MEASURES = 40, DAY_SLOTS = 96 };

static void path_of(char path[static 400], const char *dir, const char *file)
{
    (void) snprintf(path, 400, "%s/%s", dir, file);
}

/* One generation: each of 40 measures has a reading of `slot`, and its value is `slot`. */
static Batch slot_batch(int slot)
{
    Batch batch = batch_init();
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    for (int m = 0; m < DAY_MEASURES; m++)
        buf_printf(&text, "m%02d/%d=%d ", m, slot * 15, slot);
    buf_put_char(&text, '\0');
    kit_add_readings(&batch, buf_view(&text).ptr);
    return batch;
}

static Batch catalogue_batch(void)
{
    Batch batch = batch_init();
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    for (int m = 0; m < DAY_MEASURES; m++)
        buf_printf(&text, "m%02d@s%02d ", m, m / 2);
    buf_put_char(&text, '\0');
    kit_add_measures(&batch, buf_view(&text).ptr);
    return batch;
}

/* A closed store with a day of readings; its files are some 200 KB. */
static void make_day(const char *dir)
{
    Kit kit = kit_open_in(dir);
    Batch batch = catalogue_batch();
    (void) kit_apply(&kit, &batch);
    CLEANUP(buf_release) Buf text = buf_init(1 << 20);
    for (int m = 0; m < DAY_MEASURES; m++)
        for (int slot = 0; slot < DAY_SLOTS; slot++)
            buf_printf(&text, "m%02d/%d=%d ", m, slot * 15, slot);
    buf_put_char(&text, '\0');
    (void) kit_readings(&kit, buf_view(&text).ptr);
    kit_close(&kit);
}

static ErrCode open_store(const char *dir, Store **ret_store, char note[static STORE_NOTE_SIZE],
                          Err *err)
{
    StoreOptions options = kit_options(dir);
    return store_open(&options, ret_store, note, err);
}

static int files_like(const char *dir, const char *part)
{
    int count = 0;
    DIR *listing = opendir(dir);
    REQUIRE(listing != NULL);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += strstr(entry->d_name, part) != NULL;
    (void) closedir(listing);
    return count;
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void scribble(const char *path, off_t at, size_t len)
{
    CLEANUP(buf_release) Buf junk = buf_init(1 << 20);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    REQUIRE(fd >= 0);
    for (size_t i = 0; i < len; i++)
        buf_put_char(&junk, (char) (i * 37 + 11));
    CHECK_INT(len, pwrite(fd, junk.ptr, len, at));
    (void) close(fd);
}

static off_t size_of(const char *path)
{
    struct stat st;
    REQUIRE(stat(path, &st) == 0);
    return st.st_size;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK_INT(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
    CHECK_INT(SQLITE_OK, sqlite3_close(db));
}

static void damage_header(const char *path)
{
    scribble(path, 0, 100);
}

static void damage_middle(const char *path)
{
    scribble(path, size_of(path) / 2 / 4096 * 4096, 3 * 4096);
}

/* Where the table of readings begins; the file is looked into and left as it is. */
static off_t root_of_readings(const char *path)
{
    static const char SQL[] = "SELECT (rootpage - 1) * page_size"
                              " FROM sqlite_schema, pragma_page_size WHERE name = 'reading'";
    char uri[420];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    (void) snprintf(uri, sizeof uri, "file:%s?immutable=1", path);
    REQUIRE(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_prepare_v2(db, SQL, -1, &st, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_step(st) == SQLITE_ROW);
    off_t at = sqlite3_column_int64(st, 0);
    (void) sqlite3_finalize(st);
    (void) sqlite3_close(db);
    return at;
}

static void damage_readings(const char *path)
{
    scribble(path, root_of_readings(path), 4096);
}

static void damage_end(const char *path)
{
    CHECK_INT(0, truncate(path, size_of(path) / 2 + 100));
}

static void make_text(const char *path)
{
    (void) unlink(path);
    scribble(path, 0, 5000);
}

static void make_foreign(const char *path)
{
    (void) unlink(path);
    run_sql(path, "CREATE TABLE song (title); INSERT INTO song VALUES ('x')");
}

static void make_foreign_with_version(const char *path)
{
    make_foreign(path);
    run_sql(path, "PRAGMA user_version = 1");
}

static void drop_table(const char *path)
{
    run_sql(path, "DROP TABLE reading");
}

static void drop_column(const char *path)
{
    run_sql(path, "ALTER TABLE station DROP COLUMN town");
}

static void empty_meta(const char *path)
{
    run_sql(path, "DELETE FROM meta");
}

static void strange_fault(const char *path)
{
    run_sql(path, "UPDATE meta SET fault = 99");
}

static void empty_beside_log(const char *path)
{
    char log[410];
    (void) snprintf(log, sizeof log, "%s-wal", path);
    scribble(log, 0, 5000);
    CHECK_INT(0, truncate(path, 0));
}

static void no_damage(const char *path)
{
    (void) path;
}

static void truncate_to_nothing(const char *path)
{
    CHECK_INT(0, truncate(path, 0));
}

TEST(files_damaged_are_set_aside_and_begun_anew)
{
    static const struct {
        const char *name, *file;
        void (*damage)(const char *path);
        bool set_aside, kept;
        const char *why;
    } cases[] = {
        {"nothing", "freshet.db", no_damage, false, true, ""},
        {"header", "freshet.db", damage_header, true, false, "not a database"},
        {"middle", "freshet.db", damage_middle, true, false, "quick_check"},
        {"cut", "freshet.db", damage_end, true, false, "malformed"},
        {"text", "freshet.db", make_text, true, false, "not a database"},
        {"somebody else's", "freshet.db", make_foreign, true, false, "no database of ours"},
        {"somebody else's, with a version", "freshet.db", make_foreign_with_version, true, false,
         "no database of ours"},
        {"a table is missing", "freshet.db", drop_table, true, false, "no such table"},
        {"a column is missing", "freshet.db", drop_column, true, false, "no column named town"},
        {"its meta row is missing", "freshet.db", empty_meta, true, false, "meta row"},
        {"its meta row is strange", "freshet.db", strange_fault, true, false, "a fault"},
        {"empty, with a log", "freshet.db", empty_beside_log, true, false, "its log is not"},
        {"empty", "freshet.db", truncate_to_nothing, false, false, ""},
        {"gone", "freshet.db", (void (*)(const char *)) NULL, false, false, ""},
        {"header of the ledger", "ledger.db", damage_header, true, true, "not a database"},
        {"middle of the ledger", "ledger.db", damage_middle, true, true, "quick_check"},
        {"foreign ledger", "ledger.db", make_foreign, true, true, "no database of ours"},
        {"empty ledger", "ledger.db", truncate_to_nothing, false, true, ""},
    };
    const char *base = test_dir();
    for (size_t i = 0; i < countof(cases); i++) {
        char dir[300], path[400], note[STORE_NOTE_SIZE] = "";
        Err err = {.code = OK};
        CASE(cases[i].name);
        (void) snprintf(dir, sizeof dir, "%s/%zu", base, i);
        make_day(dir);
        path_of(path, dir, cases[i].file);
        if (cases[i].damage != NULL)
            cases[i].damage(path);
        else
            CHECK_INT(0, unlink(path));

        Kit kit = {.now = KIT_ZERO + 100};
        (void) snprintf(kit.dir, sizeof kit.dir, "%s", dir);
        REQUIRE_OK(open_store(dir, &kit.store, note, &err));
        CHECK_HAS(cases[i].why, str_of(note));
        CHECK_INT(cases[i].set_aside, note[0] != '\0');
        CHECK_INT(cases[i].set_aside, files_like(dir, ".db.damaged-2") > 0);
        CLEANUP(buf_release) Buf held = kit_held(kit.store);
        CHECK_INT(cases[i].kept, held.len > 0);
        CHECK_INT(cases[i].kept ? 2 : 0, store_generation(kit.store));

        REQUIRE_OK(store_writer(kit.store, &kit.writer, &err)); /* and it goes on */
        Batch batch = catalogue_batch();
        (void) kit_apply(&kit, &batch);
        batch = slot_batch(96);
        CHECK_INT(DAY_MEASURES, kit_apply(&kit, &batch).readings.fresh);
        kit_close(&kit);
        kit = kit_open_in(dir);
        kit_close(&kit);
    }
}

TEST(files_set_aside_keep_their_log_and_never_replace_another)
{
    const char *dir = test_dir();
    char path[400], log[410], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    path_of(path, dir, "freshet.db");
    (void) snprintf(log, sizeof log, "%s-wal", path);
    for (int round = 1; round <= 3; round++) {
        make_text(path);
        scribble(log, 0, 100);
        REQUIRE_OK(open_store(dir, &store, note, &err));
        store_close(TAKE(store));
        CHECK_INT(3 * round, files_like(dir, "freshet.db.damaged-")); /* with -wal and -shm */
        CHECK_INT(round, files_like(dir, "-wal"));
    }
}

TEST(files_of_a_newer_build_are_refused_and_left_alone)
{
    const char *dir = test_dir();
    char path[400], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    make_day(dir);
    path_of(path, dir, "freshet.db");
    run_sql(path, "PRAGMA user_version = 77");
    CHECK_INT(ERR_STORAGE, open_store(dir, &store, note, &err));
    CHECK_HAS("newer build", str_of(err.text));
    CHECK_HAS("77", str_of(err.text));
    CHECK_INT(0, files_like(dir, "damaged"));
    char restore[40];
    (void) snprintf(restore, sizeof restore, "PRAGMA user_version = %d",
                    (int) STORE_SCHEMA.version);
    run_sql(path, restore);
    Kit kit = kit_open_in(dir);
    CHECK_INT(2, store_generation(kit.store));
    kit_close(&kit);
}

/* Damage that keeps size and time of the file is found by a check alone: so its being found tells
 * whether one was made. */
static void damage_unseen(const char *path)
{
    struct stat st;
    REQUIRE(stat(path, &st) == 0);
    damage_readings(path);
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    CHECK_INT(0, utimensat(AT_FDCWD, path, times, 0));
}

TEST(files_closed_in_order_are_not_checked)
{
    const char *dir = test_dir();
    char path[400], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    make_day(dir);
    path_of(path, dir, "freshet.db");
    damage_unseen(path);
    REQUIRE_OK(open_store(dir, &store, note, &err));
    CHECK_TEXT("", str_of(note));
    store_close(TAKE(store));
}

static bool go_on_measure(const Station *station, const Measure *measure, Window kept, void *ctx)
{
    (void) station, (void) measure, (void) kept, (void) ctx;
    return true;
}

static bool go_on_reading(const Reading *reading, void *ctx)
{
    (void) reading, (void) ctx;
    return true;
}

TEST(files_found_corrupt_while_running_are_checked_at_the_next_open)
{
    const char *dir = test_dir();
    char path[400], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    make_day(dir);
    path_of(path, dir, "freshet.db");
    damage_unseen(path);
    REQUIRE_OK(open_store(dir, &store, note, &err));
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    const ReadingVisitor visitor = {
        .each_measure = go_on_measure, .each_reading = go_on_reading, .ctx = NULL};
    CHECK_INT(ERR_CORRUPT,
              snapshot_each_reading(snap, &(Filter){0}, window_everything(), &visitor, &err));
    CHECK_HAS("freshet.db", str_of(err.text));
    snapshot_close(TAKE(snap));
    store_close(TAKE(store));

    REQUIRE_OK(open_store(dir, &store, note, &err));
    CHECK_HAS("damaged-2", str_of(note));
    CHECK_INT(0, store_generation(store));
    store_close(TAKE(store));
}

TEST(files_not_closed_in_order_are_checked)
{
    const char *base = test_dir();
    char dir[300], copy[300], path[400], command[800], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    (void) snprintf(dir, sizeof dir, "%s/open", base);
    (void) snprintf(copy, sizeof copy, "%s/copy", base);
    make_day(dir);
    Kit kit = kit_open_in(dir); /* the mark is gone as long as it is open */
    (void) snprintf(command, sizeof command, "cp -a '%s' '%s'", dir, copy);
    CHECK_INT(0, system(command));
    kit_close(&kit);
    path_of(path, copy, "freshet.db");
    damage_unseen(path);
    REQUIRE_OK(open_store(copy, &store, note, &err));
    CHECK_HAS("quick_check", str_of(note));
    store_close(TAKE(store));
}

/* Opens what a crash left, with a limit that the file passes. */
static ErrCode open_large(const char *dir, Store **ret_store, char *note, Err *err)
{
    StoreOptions options = kit_options(dir);
    options.check_max_bytes = 1;
    return store_open(&options, ret_store, note, err);
}

TEST(files_that_are_large_are_checked_whole_once_damage_was_met)
{
    const char *base = test_dir();
    char dir[300], copy[300], path[400], command[800], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    (void) snprintf(dir, sizeof dir, "%s/open", base);
    (void) snprintf(copy, sizeof copy, "%s/copy", base);
    make_day(dir);
    Kit kit = kit_open_in(dir);
    (void) snprintf(command, sizeof command, "cp -a '%s' '%s'", dir, copy);
    CHECK_INT(0, system(command));
    kit_close(&kit);
    path_of(path, copy, "freshet.db");
    damage_unseen(path); /* among the readings */
    REQUIRE_OK(open_large(copy, &store, note, &err));
    CHECK_TEXT("", str_of(note));
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(store, &snap, &err));
    const ReadingVisitor visitor = {
        .each_measure = go_on_measure, .each_reading = go_on_reading, .ctx = NULL};
    CHECK_INT(ERR_CORRUPT,
              snapshot_each_reading(snap, &(Filter){0}, window_everything(), &visitor, &err));
    snapshot_close(TAKE(snap));
    store_close(TAKE(store));

    REQUIRE_OK(open_large(copy, &store, note, &err));
    CHECK_HAS("quick_check", str_of(note));
    CHECK_INT(0, store_generation(store));
    store_close(TAKE(store));
}

/* ---- the directory --------------------------------------------------------------------------- */

TEST(files_are_locked_against_a_second_process)
{
    char note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *second = NULL;
    Kit kit = kit_open();
    CHECK_INT(ERR_BUSY, open_store(kit.dir, &second, note, &err));
    CHECK_HAS("another process", str_of(err.text));
    CHECK_HAS(kit.dir, str_of(err.text));
    kit_reopen(&kit); /* free again once it is closed */
    kit_close(&kit);
}

TEST(files_lie_in_a_directory_made_for_us_alone)
{
    struct stat st;
    char dir[300], note[STORE_NOTE_SIZE] = "";
    Err err = {.code = OK};
    Store *store = NULL;
    const char *base = test_dir();
    (void) snprintf(dir, sizeof dir, "%s/new", base);
    mode_t mask = umask(0);
    REQUIRE_OK(open_store(dir, &store, note, &err));
    (void) umask(mask);
    store_close(TAKE(store));
    REQUIRE(stat(dir, &st) == 0);
    CHECK_INT(0750, st.st_mode & 0777);

    CASE("its parent is not there");
    (void) snprintf(dir, sizeof dir, "%s/a/b", base);
    CHECK_INT(ERR_STORAGE, open_store(dir, &store, note, &err));
    CHECK_HAS(dir, str_of(err.text));
    CASE("it is a file");
    (void) snprintf(dir, sizeof dir, "%s/file", base);
    scribble(dir, 0, 10);
    CHECK_INT(ERR_STORAGE, open_store(dir, &store, note, &err));
}

TEST(files_made_anew_draw_another_epoch)
{
    char tags[2][GENERATION_TAG_SIZE];
    const char *base = test_dir();
    for (int i = 0; i < 2; i++) {
        char dir[300], again[GENERATION_TAG_SIZE];
        (void) snprintf(dir, sizeof dir, "%s/%d", base, i);
        Kit kit = kit_open_in(dir);
        store_generation_tag(kit.store, 42, tags[i]);
        kit_reopen(&kit); /* kept */
        store_generation_tag(kit.store, 42, again);
        CHECK_TEXT(tags[i], str_of(again));
        kit_close(&kit);
        CHECK_INT(11, strlen(tags[i]));
        CHECK_TEXT("-42", str_of(tags[i] + 8));
        CHECK_INT(8, strspn(tags[i], "0123456789abcdef"));
    }
    CHECK(strcmp(tags[0], tags[1]) != 0);
}

/* ---- the disk -------------------------------------------------------------------------------- */

TEST(files_that_cannot_grow_change_nothing_and_go_on_after)
{
    char log[400];
    Err err = {.code = OK};
    Kit kit = kit_open();
    Batch batch = catalogue_batch();
    (void) kit_apply(&kit, &batch);
    batch = slot_batch(0);
    (void) kit_apply(&kit, &batch);
    CLEANUP(buf_release) Buf before = kit_held(kit.store);

    /* A limit on the size of files is a full disk for one process; the signal that comes with it
     * must be ignored, as a server would. */
    path_of(log, kit.dir, "freshet.db-wal");
    struct rlimit old, full;
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
    full = (struct rlimit){.rlim_cur = (rlim_t) size_of(log) + 6000, .rlim_max = old.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
    batch = slot_batch(1);
    Applied applied = {.generation = 99};
    ErrCode rc = writer_apply(kit.writer, &batch, FAULT_NONE, kit.now, &applied, &err);
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &old));
    (void) signal(SIGXFSZ, old_handler);

    CHECK_INT(ERR_STORAGE, rc);
    CHECK_INT(99, applied.generation);
    CHECK_INT(2, store_generation(kit.store));
    CLEANUP(buf_release) Buf after = kit_held(kit.store);
    CHECK_STR(buf_view(&before), buf_view(&after));

    CHECK_OK(writer_apply(kit.writer, &batch, FAULT_NONE, kit.now, &applied, &err));
    batch_release(&batch);
    CHECK_INT(3, applied.generation);
    CHECK_INT(DAY_MEASURES, applied.readings.fresh);
    kit_reopen(&kit);
    CHECK_INT(3, store_generation(kit.store));
    kit_close(&kit);
}

TEST(files_log_is_emptied_beyond_its_limit)
{
    char log[400];
    Err err = {.code = OK};
    Kit kit = kit_open();
    path_of(log, kit.dir, "freshet.db-wal");
    Batch batch = catalogue_batch();
    (void) kit_apply(&kit, &batch);
    CHECK_OK(writer_checkpoint(kit.writer, &err));
    off_t after_one = size_of(log);
    CHECK(after_one > 0); /* below its limit it stays and is written anew */
    for (int slot = 0; size_of(log) <= kit_options("").wal_max_bytes; slot++) {
        batch = slot_batch(slot);
        (void) kit_apply(&kit, &batch);
    }
    CHECK_OK(writer_checkpoint(kit.writer, &err));
    CHECK_INT(0, size_of(log));

    CASE("a reader in the log delays it and is no fault");
    CLEANUP(snapshot_closep) Snapshot *snap = NULL;
    REQUIRE_OK(store_snapshot(kit.store, &snap, &err));
    for (int slot = 2000; size_of(log) <= kit_options("").wal_max_bytes; slot++) {
        batch = slot_batch(slot);
        (void) kit_apply(&kit, &batch);
    }
    CHECK_OK(writer_checkpoint(kit.writer, &err));
    CHECK(size_of(log) > 0);
    snapshot_close(TAKE(snap));
    CHECK_OK(writer_checkpoint(kit.writer, &err));
    CHECK_INT(0, size_of(log));
    kit_close(&kit);
}

/* ---- kill -9 --------------------------------------------------------------------------------- */

/* Applies generation after generation until it is killed; tells each that was announced. */
static void apply_until_killed(const char *dir, int pipe_fd)
{
    Kit kit = kit_open_in(dir);
    for (int slot = (int) store_generation(kit.store);; slot++) {
        Err err = {.code = OK};
        Applied applied = {.generation = 0};
        Batch batch = slot_batch(slot);
        if (writer_apply(kit.writer, &batch, FAULT_NONE, KIT_ZERO + slot, &applied, &err) != OK)
            _exit(1);
        if (write(pipe_fd, &applied.generation, sizeof applied.generation) < 0)
            _exit(1);
        if (slot % 3 == 0 && writer_checkpoint(kit.writer, &err) != OK)
            _exit(1);
        batch_release(&batch);
    }
}

static uint64_t last_announced(int pipe_fd, int *ret_count)
{
    uint64_t generation = 0, last = 0;
    for (*ret_count = 0; read(pipe_fd, &generation, sizeof generation) == sizeof generation;
         ++*ret_count)
        last = generation;
    return last;
}

/* Generation g > 1 brought the slot g - 1: every measure's newest, and 96 slots at most. */
static void check_whole(const char *dir, uint64_t announced)
{
    Kit kit = kit_open_in(dir);
    uint64_t generation = store_generation(kit.store);
    CHECK(generation >= announced);
    CHECK(generation <= announced + 1); /* committed, and killed before it could be told */
    long long slots = (long long) generation - 1, slot_time = KIT_ZERO + slots * 900;
    char sql[300];
    (void) snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM (SELECT measure, max(time) AS newest, count(*) AS held FROM reading"
        " GROUP BY measure) WHERE newest = %lld AND held = %lld",
        slot_time, slots < DAY_SLOTS ? slots : DAY_SLOTS);
    if (generation > 1)
        CHECK_INT(DAY_MEASURES, kit_sql(&kit, "freshet.db", sql));
    CHECK_INT(1, kit_sql(&kit, "freshet.db",
                         "SELECT (SELECT count(*) FROM reading) = readings FROM meta"));
    CHECK_INT(
        0, kit_sql(&kit, "freshet.db",
                   "SELECT count(*) FROM station_newest AS s WHERE time IS NOT (SELECT max(r.time)"
                   " FROM reading AS r JOIN measure ON measure.key = r.measure"
                   " WHERE measure.station = s.station)"));
    kit_close(&kit);
}

static void kill_once(const char *dir, useconds_t delay_us)
{
    int fds[2];
    uint64_t first = 0;
    int count = 0;
    REQUIRE(pipe(fds) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void) close(fds[0]);
        apply_until_killed(dir, fds[1]);
    }
    (void) close(fds[1]);
    CHECK_INT(sizeof first, read(fds[0], &first, sizeof first)); /* it is under way */
    (void) usleep(delay_us);
    CHECK_INT(0, kill(child, SIGKILL));
    CHECK_INT(child, waitpid(child, NULL, 0));
    uint64_t last = last_announced(fds[0], &count);
    (void) close(fds[0]);
    check_whole(dir, count > 0 ? last : first);
}

TEST(files_survive_kill_at_any_moment)
{
    const char *dir = test_dir();
    Kit kit = kit_open_in(dir);
    Batch batch = catalogue_batch();
    (void) kit_apply(&kit, &batch);
    kit_close(&kit);
    unsigned seed = 20;
    for (int round = 0; round < 30; round++)
        kill_once(dir, (useconds_t) (rand_r(&seed) % 12000));
}
