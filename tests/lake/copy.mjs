// copy.mjs FILE - DuckDB's own COPY of the rows of a Parquet file, from its memory to Parquet with zstd, on
// one thread: how long it takes, and how large it becomes.
import { statSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const [file] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const duck = await instance.connect()
await duck.run(`CREATE TABLE readings AS SELECT * FROM read_parquet('${file}')`)
const rows = Number((await duck.runAndReadAll('SELECT count(*) FROM readings')).getRows()[0][0])
const began = process.hrtime.bigint()
await duck.run(`COPY readings TO '${file}.duckdb' (FORMAT parquet, COMPRESSION zstd)`)
const seconds = Number(process.hrtime.bigint() - began) / 1e9
const bytes = statSync(`${file}.duckdb`).size
const peak = process.resourceUsage().maxRSS
console.log(`rows ${rows} seconds ${seconds.toFixed(2)} bytes_a_row ${(bytes / rows).toFixed(2)} peak_kb ${peak}`)
