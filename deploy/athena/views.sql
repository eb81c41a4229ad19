-- The views to ask: exact where the raw tables may hold a reading more than once (a correction is a row
-- of its own; while a day's files are joined into one both stand there). The tests run these very texts.

-- Every reading once, at its newest revision. dt is among the columns that part the rows, or a filter on
-- dt would not spare the other days.
CREATE OR REPLACE VIEW readings AS
SELECT measure, station, "time", value, revision, received, generation, flags, dt
FROM (
  SELECT *, row_number() OVER (
    PARTITION BY dt, measure, "time"
    ORDER BY received DESC, revision DESC, generation DESC
  ) AS place
  FROM readings_raw
) AS ranked
WHERE place = 1;

-- Stations and measures as they are by the last list that was exported.
CREATE OR REPLACE VIEW stations AS
SELECT station, reference, label, river, catchment, town, lat, long, easting, northing, grid_reference,
  type, status, opened, rloi_id, wiski_id, datum_offset, typical_low, typical_high, record_high,
  record_low, listed, received
FROM (
  SELECT *, row_number() OVER (PARTITION BY station ORDER BY received DESC, generation DESC) AS place
  FROM stations_raw
) AS ranked
WHERE place = 1;

CREATE OR REPLACE VIEW measures AS
SELECT measure, station, label, parameter, parameter_name, qualifier, value_type, period_s, unit, datum,
  listed, received
FROM (
  SELECT *, row_number() OVER (PARTITION BY measure ORDER BY received DESC, generation DESC) AS place
  FROM measures_raw
) AS ranked
WHERE place = 1;

-- The newest reading of every measure that is in its station's last 24 h.
CREATE OR REPLACE VIEW latest AS
SELECT measure, station, "time", value, revision, received, generation, flags
FROM (
  SELECT *, row_number() OVER (PARTITION BY measure ORDER BY "time" DESC) AS place
  FROM window_readings
) AS ranked
WHERE place = 1;
