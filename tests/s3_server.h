/* tests/s3_server.h - a bucket in memory that checks every signature, for what Swift cannot play.
 *
 * What it says and when it fails is told by its members, which a test writes before requests go out.
 * It knows the rules of S3 that matter here: signature version 4 over exactly what was sent, digests
 * of bodies, the clock, the region, tokens, storage classes, pages of lists, uploads in parts. */
#pragma once
#include "tests/loopback.h"

enum { S3_OBJECTS_MAX = 200, S3_PARTS_MAX = 64, S3_UPLOADS_MAX = 8 };

typedef struct S3Object {
    char key[1100], content_type[64], storage_class[32], sha256[72];
    Buf bytes;
    UnixSec modified;
} S3Object;

typedef struct S3Upload {
    bool open;
    S3Object object;
    Buf parts[S3_PARTS_MAX];
} S3Upload;

typedef struct S3Server {
    Loopback *loopback;
    /* who it is */
    const char *access_key, *secret_key;
    const char *token; /* NULL: none is wanted, none allowed */
    const char *region, *bucket;
    int64_t clock_offset_s;
    bool host_style; /* the bucket is in the host's name */
    /* what it does to the next requests; each counts down */
    int slow_downs, server_errors, no_answers, cut_bodies, expired_tokens, damaged_bodies;
    int lost_completions; /* done, and answered by nothing */
    int late_errors;      /* a completion answers 200, and then says that it failed */
    _Atomic bool holds;   /* no put is answered until it is false again, or half a minute is over */
    _Atomic int held;     /* puts that met that */
    bool redirects;       /* to its region by 301 with a header, else by 400 with the body */
    const char *redirects_to; /* an origin that each request is sent to by 307; NULL: nowhere */
    int list_page_max;
    /* what came */
    int requests, refused_signatures;
    S3Object objects[S3_OBJECTS_MAX]; /* by key */
    size_t object_count;
    S3Upload uploads[S3_UPLOADS_MAX];
    int retry_after_s;
} S3Server;

/* With a bucket, "lake", and keys "KEY" and "SECRET", in eu-west-2. Ends with its test. */
S3Server *s3_server_start(void);
const S3Object *s3_server_find(S3Server *server, const char *key); /* NULL: not there */
int s3_server_open_uploads(S3Server *server);

/* getenv() of a test: what was set with s3_env_set(), nothing else. */
void s3_env_clear(void);
void s3_env_set(const char *name, const char *value);
const char *s3_env(const char *name);
/* Keys, region and endpoint of that server. */
void s3_env_of(const S3Server *server);
