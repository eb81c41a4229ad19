// duck.mjs EXPORT [SQL...] - DuckDB over an exported tree, with the views of deploy/athena as they stand
// there: prints the rows of each query, a line each, its values joined by |.
import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const [exported, ...queries] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', {
  autoinstall_known_extensions: 'false', autoload_known_extensions: 'false', threads: '2',
})
const duck = await instance.connect()
const raw = {
  readings_raw: 'history/readings/*/*.parquet',
  stations_raw: 'history/stations/*.parquet',
  measures_raw: 'history/measures/*.parquet',
  window_readings: 'latest/readings/*.parquet',
}
for (const [table, files] of Object.entries(raw)) {
  const hive = files.includes('/*/') ? ', hive_partitioning = true, hive_types_autocast = false' : ''
  await duck.run(`CREATE VIEW ${table} AS SELECT * FROM read_parquet('${exported}/${files}'${hive})`)
}
const views = readFileSync('deploy/athena/views.sql', 'utf8').replace(/--.*$/gm, '')
for (const view of views.split(';')) if (view.trim() !== '') await duck.run(view)
for (const query of queries) {
  const result = await duck.runAndReadAll(query)
  for (const row of result.getRows()) console.log(row.map(String).join('|'))
}
