// truth.mjs EXPORT TRUTHS HOURS LATE - compares the view `readings` over an exported tree with what an ideal ingest
// held, in files of measure,time,value: of several with the same measure and time the last file counts.
// Only what was held in the newest hours must be there: the ingest's hourly sweep goes as far back as its
// window, and what came behind the newest of a measure just before it leaves may not be asked for again.
// A value that a reading took after that may be there; so may what the last LATE files say.
// Prints how many there are, how many the view lacks, has with another value, has twice.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const [exported, truths, hours, late] = process.argv.slice(2)
const truth = new Map() // the values that are right
const counted = Number(hours) * 3600 * 1000
const names = readdirSync(truths).sort()
for (const [i, name] of names.entries()) {
  const rows = readFileSync(`${truths}/${name}`, 'utf8').trim().split('\n').slice(1).map((line) => {
    const [measure, time, value] = line.split(',')
    return { measure, time: Date.parse(time), value: Number(value) }
  })
  const newest = rows.reduce((most, { time }) => Math.max(most, time), 0)
  for (const { measure, time, value } of rows) {
    const key = `${measure}|${time}`
    if (i < names.length - late && time > newest - counted) truth.set(key, [value])
    else if (truth.has(key)) truth.get(key).push(value)
  }
}
const sql = 'SELECT measure, epoch_ms("time"), value FROM readings'
const rows = execFileSync('node', ['tests/lake/duck.mjs', exported, sql], { maxBuffer: 1 << 30 })
const lake = new Map()
let twice = 0
for (const line of rows.toString().trim().split('\n')) {
  const [measure, time, value] = line.split('|')
  const key = `${measure}|${time}`
  if (lake.has(key)) twice++
  lake.set(key, Number(value))
}
let missing = 0
let different = 0
for (const [key, values] of truth) {
  if (!lake.has(key)) {
    if (missing++ < 5) console.error(`missing ${key} ${values}`)
  } else if (!values.includes(lake.get(key))) {
    if (different++ < 5) console.error(`different ${key} ${values} ${lake.get(key)}`)
  }
}
console.log(`truth ${truth.size} of ${lake.size}, missing ${missing}, different ${different}, twice ${twice}`)
