#include "model/agency.h"

#include <stddef.h>

const char *const AGENCY_STATION_MEMBERS[] = {
    "@id",
    "RLOIid",
    "catchmentName",
    "dateOpened",
    "datumOffset",
    "downstageScale",
    "easting",
    "gridReference",
    "label",
    "lat",
    "long",
    "measures",
    "northing",
    "notation",
    "riverName",
    "stageScale",
    "stationReference",
    "status",
    "town",
    "wiskiID",
    NULL,
};

const char *const AGENCY_MEASURE_MEMBERS[] = {
    "@id",           "datumType", "label",     "notation",      "parameter",
    "parameterName", "period",    "qualifier", "station",       "stationReference",
    "unit",          "unitName",  "valueType", "latestReading", NULL,
};
