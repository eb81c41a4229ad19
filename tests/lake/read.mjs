// read.mjs FILE - what hyparquet, a reader of Parquet that is not ours, finds in a file: its schema, its
// row groups with least and greatest of each column, the number of its rows, and the SHA-256 of them,
// a line each: texts as they are, numbers as the bits of a double, moments in ms, null as \N.
import { createHash } from 'node:crypto'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const bits = new DataView(new ArrayBuffer(8))
function text(value) {
  if (value === null || value === undefined) return '\\N'
  if (value instanceof Date) return String(value.getTime())
  if (typeof value === 'number') {
    bits.setFloat64(0, value)
    return bits.getBigUint64(0).toString(16).padStart(16, '0')
  }
  return String(value)
}

const file = await asyncBufferFromFile(process.argv[2])
const metadata = await parquetMetadataAsync(file)
const columns = metadata.schema.slice(1)
for (const { name, type, repetition_type, logical_type } of columns) {
  const unit = logical_type?.unit ? ` ${logical_type.unit}${logical_type.isAdjustedToUTC ? ' UTC' : ''}` : ''
  console.log(`column ${name} ${type} ${repetition_type} ${logical_type?.type ?? '-'}${unit}`)
}
for (const group of metadata.row_groups) {
  const bounds = group.columns.map(({ meta_data: { path_in_schema, statistics, encodings } }) =>
    `${path_in_schema}: ${text(statistics.min_value)} ${text(statistics.max_value)} ${statistics.null_count} ` +
    (encodings.includes('RLE_DICTIONARY') ? 'dictionary' : 'plain'))
  console.log(`group ${group.num_rows} ${bounds.join(', ')}`)
}
const hash = createHash('sha256')
const rows = await parquetReadObjects({ file, compressors })
for (const row of rows) hash.update(columns.map(({ name }) => text(row[name])).join('|') + '\n')
console.log(`rows ${Number(metadata.num_rows)} ${rows.length} ${hash.digest('hex')}`)
