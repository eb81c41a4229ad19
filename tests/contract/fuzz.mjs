// fuzz.mjs BASE [SEED] - asks every documented operation what is right and what is wrong, and holds each answer against
// the document. The smallest request that an operation fails at is told. Closes with a count.
import fc from 'fast-check';
import { faultsOf, isEndless, readContract } from './contract.mjs';
import { ask } from './http.mjs';
import { accepts, bytes, good, goodQuery, nasty, readPools } from './values.mjs';

const [base, seed = '20261122'] = process.argv.slice(2);
const RUNS = 60; // of each kind, for each operation: enough to find what was planted, some 10 s in all
const SLOW_RUNS = 8; // of those that wait for something to happen
const LOOK_MS = 300; // at what goes on for ever
const contract = await readContract(base);
const pools = await readPools(base);
const counts = { passed: 0, failed: 0, requests: 0, answered: 0, good: 0, goodAnswered: 0 };

const encoded = (text) => encodeURIComponent(text.toWellFormed?.() ?? text.replaceAll(/[\ud800-\udfff]/g, '?'));

function targetOf(operation, path, query) {
  const filled = Object.entries(path).reduce((at, [name, value]) => at.replace(`{${name}}`, () => encoded(value)), operation.path);
  return filled + (query.length > 0 ? `?${query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')}` : '');
}

async function hold(operation, request) {
  const answer = await ask(base, { ...request, lookMs: isEndless(contract, operation) ? LOOK_MS : undefined });
  counts.requests++;
  counts.answered += answer.status === 200;
  const faults = faultsOf(contract, operation, request, answer);
  if (faults.length > 0) throw new Error(`${faults.join('; ')} <- ${request.method ?? 'GET'} ${request.target}`);
  return answer;
}

async function property(operation, what, arbitrary, body) {
  const isSlow = isEndless(contract, operation) || (operation.parameters ?? []).some(({ name }) => name === 'wait');
  const result = await fc.check(fc.asyncProperty(arbitrary, body), { numRuns: isSlow ? SLOW_RUNS : RUNS, seed: Number(seed), endOnFailure: false });
  if (!result.failed) {
    counts.passed++;
    return;
  }
  counts.failed++;
  console.log(`${operation.id}, ${what}: ${result.errorInstance?.message ?? result.errorInstance}`);
}

function pathArguments(operation, arbitraryOf) {
  return fc.record(Object.fromEntries(operation.parameters.filter(({ in: where }) => where === 'path').map((parameter) =>
    [parameter.name, arbitraryOf(parameter)])));
}

// Good values are answered, unless they do not go together: then that is said.
async function goodOnes(operation) {
  await property(operation, 'good values', fc.tuple(pathArguments(operation, (parameter) => good(contract, operation, parameter, pools).map(([value]) => value)),
    goodQuery(contract, operation, pools), fc.constantFrom('GET', 'GET', 'GET', 'HEAD')), async ([path, query, method]) => {
    const answer = await hold(operation, { method, target: targetOf(operation, path, query), names: query.map(([name]) => name) });
    counts.good++;
    counts.goodAnswered += answer.status < 400;
  });
}

// Bad values, names and headers are refused in words, or harmless.
async function badOnes(operation) {
  const queried = operation.parameters.filter(({ in: where }) => where === 'query').map(({ name }) => name);
  const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...queried, 'statoin') }, nasty);
  await property(operation, 'bad values', fc.tuple(pathArguments(operation, (parameter) => (parameter.name === 'suffix' ? good(contract, operation, parameter, pools).map(([value]) => value) : nasty)), fc.array(fc.tuple(name, nasty), { maxLength: 4 }), accepts),
    async ([path, query, accept]) => {
      // A path that is no longer that of the operation is another question.
      if (Object.values(path).some((value) => value === '' || value === '.' || value === '..')) return;
      await hold(operation, { target: targetOf(operation, path, query), headers: { Accept: accept }, names: query.map(([key]) => key) });
    });
}

// Bytes, methods: of no operation in particular.
const PROBLEM = contract.api.components.responses.BadRequest;
const ALLOWING = { headers: { ...PROBLEM.headers, Allow: {}, 'Access-Control-Allow-Methods': {}, 'Access-Control-Allow-Headers': {},
  'Access-Control-Max-Age': {} } };
const ANY = { id: 'anything', responses: { 204: ALLOWING, 400: PROBLEM, 404: PROBLEM, 405: { ...PROBLEM, ...ALLOWING }, 414: PROBLEM } };

async function wildOnes() {
  const method = fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'BREW');
  const target = fc.oneof(bytes.map((tail) => `/${tail}`), bytes.map((tail) => `/v1/stations?${tail}`), bytes.map((tail) => `/v1/measures/${tail}`), bytes);
  await property(ANY, 'any bytes', fc.tuple(method, target), async ([verb, at]) => {
    const answer = await ask(base, { method: verb, target: at });
    counts.requests++;
    if (answer.status === 200 && (verb === 'GET' || verb === 'HEAD')) return;
    const faults = faultsOf(contract, ANY, { method: verb, names: [] }, answer);
    if (faults.length > 0) throw new Error(`${answer.status}: ${faults.join('; ')} <- ${verb} ${JSON.stringify(at)}`);
  });
}

async function conditionalOnes() {
  const header = fc.constantFrom('Range', 'If-Range', 'If-None-Match', 'If-Modified-Since', 'Accept-Encoding', 'X-Request-Id', 'traceparent');
  const value = fc.oneof(fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, '')),
    fc.constantFrom('bytes=0-', 'bytes=-5', 'bytes=5-1', 'bytes=0-1,3-4', 'bytes=99999999999999999999-', '*', '"x"', 'W/"x"', 'gzip;q=2', 'zstd, gzip', 'identity;q=0'));
  const latest = contract.operations.find(({ path }) => path === '/v1/latest');
  await property(latest, 'any headers', fc.dictionary(header, value, { maxKeys: 4 }), async (headers) => {
    const answer = await ask(base, { target: '/v1/latest', headers });
    counts.requests++;
    if (answer.headers.has('content-encoding')) return; // compressed bytes are no JSON
    const faults = faultsOf(contract, latest, { names: [] }, answer);
    if (faults.length > 0) throw new Error(`${answer.status}: ${faults.join('; ')} <- ${JSON.stringify(headers)}`);
  });
}

// What the document shows is what it says, and it shows an example of everything that is asked or told.
function examples() {
  const { parameters, headers, schemas } = contract.api.components;
  const faults = Object.entries({ ...headers, ...parameters }).flatMap(([name, { example, schema }]) => {
    const shown = example ?? contract.follow(schema).example ?? contract.follow(schema).const;
    return shown === undefined ? [`${name} has no example`] : contract.faultsOf(schema, shown).map((fault) => `${name}: ${fault}`);
  });
  for (const [name, schema] of Object.entries(schemas))
    if (schema.example !== undefined) faults.push(...contract.faultsOf(schema, schema.example).map((fault) => `${name}: ${fault}`));
  counts[faults.length === 0 ? 'passed' : 'failed']++;
  for (const fault of faults) console.log(`example of ${fault}`);
}

examples();
for (const operation of contract.operations) {
  await goodOnes(operation);
  await badOnes(operation);
}
await wildOnes();
await conditionalOnes();
await hold(contract.operations.find(({ path }) => path === '/live'), { target: '/live', names: [] }); // it lives still
console.log(`${counts.requests} requests, ${counts.answered} of them answered with 200`);
if (counts.goodAnswered < counts.good / 2) {
  counts.failed++;
  console.log(`of ${counts.good} good questions only ${counts.goodAnswered} were answered`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
