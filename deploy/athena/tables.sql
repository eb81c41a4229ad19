-- The tables of an exported lake, for Athena (engine 3). BUCKET/PREFIX stands for FRESHET_EXPORT_URL
-- without s3://. Run each statement by itself. A test holds the columns against the files' own schema.
--
-- No crawler is needed: the days are computed from the query (partition projection). A filter on dt
-- reads only those days; dt is the day, in UTC, of the reading's time.
-- The objects must be in a storage class that can be read at once: not Glacier Flexible Retrieval, not
-- Glacier Deep Archive.

CREATE EXTERNAL TABLE readings_raw (
  measure string,
  station string,
  `time` timestamp,
  value double,
  revision int,
  received timestamp,
  generation string,
  flags string
)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/history/readings/'
TBLPROPERTIES (
  'parquet.compression' = 'ZSTD',
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2016-01-01,NOW+1DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/history/readings/dt=${dt}/'
);

CREATE EXTERNAL TABLE stations_raw (
  station string,
  reference string,
  label string,
  river string,
  catchment string,
  town string,
  lat double,
  long double,
  easting double,
  northing double,
  grid_reference string,
  type string,
  status string,
  opened string,
  rloi_id string,
  wiski_id string,
  datum_offset double,
  typical_low double,
  typical_high double,
  record_high double,
  record_low double,
  listed boolean,
  received timestamp,
  generation string
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/history/stations/'
TBLPROPERTIES ('parquet.compression' = 'ZSTD');

CREATE EXTERNAL TABLE measures_raw (
  measure string,
  station string,
  label string,
  parameter string,
  parameter_name string,
  qualifier string,
  value_type string,
  period_s int,
  unit string,
  datum string,
  listed boolean,
  received timestamp,
  generation string
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/history/measures/'
TBLPROPERTIES ('parquet.compression' = 'ZSTD');

-- The last 24 h of each station as of the last export; generation: which one that was.
CREATE EXTERNAL TABLE window_readings (
  measure string,
  station string,
  `time` timestamp,
  value double,
  revision int,
  received timestamp,
  generation string,
  flags string
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/latest/readings/'
TBLPROPERTIES ('parquet.compression' = 'ZSTD');
