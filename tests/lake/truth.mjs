// truth.mjs EXPORT TRUTHS - compares the view `readings` over an exported tree with what an ideal ingest
// held, in files of measure,time,value: of several with the same measure and time the last file counts.
// What is older than 22 h is passed over: the ingest's hourly sweep asks for 24 h, so that what came behind
// the newest of a measure may leave before it is asked for.
// Prints how many there are, how many the view lacks, has with another value, has twice.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const [exported, truths] = process.argv.slice(2)
const truth = new Map()
const WINDOW_MS = 22 * 3600 * 1000
for (const name of readdirSync(truths).sort()) {
  const rows = readFileSync(`${truths}/${name}`, 'utf8').trim().split('\n').slice(1).map((line) => {
    const [measure, time, value] = line.split(',')
    return { measure, time: Date.parse(time), value: Number(value) }
  })
  const newest = rows.reduce((most, { time }) => Math.max(most, time), 0)
  for (const { measure, time, value } of rows) {
    if (time > newest - WINDOW_MS) truth.set(`${measure}|${time}`, value)
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
for (const [key, value] of truth) {
  if (!lake.has(key)) { if (missing++ < 5) console.error(`missing ${key} ${value}`) }
  else if (lake.get(key) !== value) { if (different++ < 5) console.error(`different ${key} ${value} ${lake.get(key)}`) }
}
console.log(`truth ${truth.size} of ${lake.size}, missing ${missing}, different ${different}, twice ${twice}`)
