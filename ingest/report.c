#include "ingest/report.h"

#include "base/log.h"
#include "base/metrics.h"

#include <inttypes.h>

void report_count_cpu(const PollReport *report)
{
    int64_t parts_us = report->trim.cpu_us + report->commit.cpu_us + report->announce.cpu_us;
    const MetricChange changes[] = {
        {METRIC_CPU_FETCH, report->fetch.cpu_us},
        {METRIC_CPU_PARSE, report->parse.cpu_us},
        {METRIC_CPU_APPLY, report->apply.cpu_us - parts_us},
        {METRIC_CPU_TRIM, report->trim.cpu_us},
        {METRIC_CPU_COMMIT, report->commit.cpu_us},
        {METRIC_CPU_ANNOUNCE, report->announce.cpu_us},
        {METRIC_CPU_CHECKPOINT, report->checkpoint.cpu_us},
    };
    metric_add_all(changes, countof(changes));
}

static void log_costs(const PollReport *report)
{
    log_info("ingest spent wall_trim_ms=%" PRId64 " wall_commit_ms=%" PRId64
             " wall_checkpoint_ms=%" PRId64 " cpu_fetch_ms=%" PRId64 " cpu_parse_ms=%" PRId64
             " cpu_apply_ms=%" PRId64 " cpu_trim_ms=%" PRId64 " cpu_commit_ms=%" PRId64
             " cpu_announce_ms=%" PRId64 " cpu_checkpoint_ms=%" PRId64,
             report->trim.wall_us / 1000, report->commit.wall_us / 1000,
             report->checkpoint.wall_us / 1000, report->fetch.cpu_us / 1000,
             report->parse.cpu_us / 1000, report->apply.cpu_us / 1000, report->trim.cpu_us / 1000,
             report->commit.cpu_us / 1000, report->announce.cpu_us / 1000,
             report->checkpoint.cpu_us / 1000);
}

void report_log(const PollReport *report, const Filled *filled, int64_t next_in_s)
{
    const ReadingCounts *counts = &report->readings;
    log_costs(report);
    log_info("ingest polled generation=%" PRIu64 " received=%" PRId64 " new=%" PRId64
             " late=%" PRId64 " unchanged=%" PRId64 " corrected=%" PRId64 " expired=%" PRId64
             " quarantined=%" PRId64 " asks=%" PRId64 " asks_left=%" PRId64 " requests=%" PRId64
             " bytes=%" PRId64 " fetch_ms=%" PRId64 " parse_ms=%" PRId64 " apply_ms=%" PRId64
             " next_in_s=%" PRId64,
             report->generation, counts->received, counts->fresh, counts->late, counts->unchanged,
             counts->corrected, counts->expired, counts->quarantined, filled->asks_done,
             filled->asks_left, report->requests, report->wire_bytes, report->fetch.wall_us / 1000,
             report->parse.wall_us / 1000, report->apply.wall_us / 1000, next_in_s);
}
