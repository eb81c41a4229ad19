// What openapi.json promises of each operation, and where an answer keeps another word.
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { ask } from './http.mjs';

// These make other rows than those that an operation has by itself.
const CHOOSING = ['fields', 'agg', 'shape', 'timeformat'];
// Of every answer, whatever it says.
const UNSPOKEN = ['date', 'connection', 'content-length', 'content-type', 'transfer-encoding',
  'access-control-expose-headers', 'x-content-type-options'];

export async function readContract(base) {
  const text = (await ask(base, { target: '/openapi.json' })).body.toString();
  const api = JSON.parse(text.replaceAll('"$ref":"#/', '"$ref":"api#/'));
  const ajv = new Ajv2020({ strict: false, validateSchema: false });
  addFormats(ajv);
  ajv.addSchema(api, 'api');

  const follow = (node) => (node?.$ref === undefined ? node
    : follow(node.$ref.slice('api#/'.length).split('/').reduce((at, key) => at[key], api)));
  const compiled = new Map();
  const faultsOf = (schema, value) => {
    if (!compiled.has(schema)) compiled.set(schema, ajv.compile(schema));
    const valid = compiled.get(schema);
    return valid(value) ? [] : [ajv.errorsText(valid.errors).slice(0, 600)];
  };
  const operations = Object.entries(api.paths).map(([path, item]) => ({
    path, id: item.get.operationId, responses: item.get.responses,
    parameters: [...(item.parameters ?? []), ...(item.get.parameters ?? [])].map(follow).map((parameter) => ({
      ...parameter, schema: follow(parameter.schema) })),
  }));
  return { api, follow, faultsOf, operations };
}

// Its answer goes on until somebody ends it.
export function isEndless(contract, operation) {
  return contract.follow(operation.responses['200'])?.content?.['text/event-stream'] !== undefined;
}

export function columnsOf(contract, operation) {
  const text = contract.follow(operation.responses['200'])?.content?.['text/csv']?.schema.description ?? '';
  const list = text.replaceAll(/\s+/g, ' ').match(/at the end: (.*?)\./);
  return list === null ? [] : list[1].split(', ');
}

// RFC 4180, by the letter: cells may hold quotes, commas and line ends only when they are quoted.
export function parseCsv(text) {
  const rows = [];
  let row = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n)/gy;
  for (let at = 0; at < text.length;) {
    cell.lastIndex = at;
    const found = cell.exec(text);
    if (found === null) throw new Error(`no CSV from character ${at} on: ${text.slice(at, at + 80)}`);
    row.push(found[1].startsWith('"') ? found[1].slice(1, -1).replaceAll('""', '"') : found[1]);
    if (found[2] !== ',') rows.push(row.splice(0));
    at = cell.lastIndex;
  }
  return rows;
}

function rowCountFaults(answer, count) {
  const told = answer.headers.get('row-count');
  return told === undefined || Number(told) === count ? [] : [`Row-Count ${told} of ${count} rows`];
}

function csvFaults(contract, operation, request, answer) {
  const rows = parseCsv(answer.body.toString());
  const faults = [];
  if (rows.length === 0) return ['a CSV without a header'];
  if (rows.some((row) => row.length !== rows[0].length)) faults.push('CSV rows of different lengths');
  faults.push(...rowCountFaults(answer, rows.length - 1));
  const isUsual = !request.names.some((name) => ['fields', 'agg', 'shape', 'tz', 'profile'].includes(name));
  const columns = columnsOf(contract, operation);
  if (isUsual && columns.length > 0 && rows[0].join() !== columns.join()) faults.push(`other columns: ${rows[0]}`);
  return faults;
}

function jsonFaults(contract, operation, request, schema, value) {
  const isUsual = !request.names.some((name) => CHOOSING.includes(name));
  const faults = contract.faultsOf(isUsual && schema.anyOf !== undefined ? schema.anyOf[0] : schema, value);
  if (value.next !== undefined && value.more === undefined && Array.isArray(value.items) && value.count !== value.items.length) faults.push('count is not that of the items');
  return faults;
}

function bodyFaults(contract, operation, request, answer, type, schema) {
  const text = answer.body.toString();
  if (type === 'text/csv') return csvFaults(contract, operation, request, answer);
  if (type.endsWith('json') && type !== 'application/x-ndjson')
    return jsonFaults(contract, operation, request, schema, JSON.parse(text));
  if (type !== 'application/x-ndjson') return [];
  const lines = text.split('\n').slice(0, -1);
  return [...rowCountFaults(answer, lines.length),
    ...lines.slice(0, 20).flatMap((line) => jsonFaults(contract, operation, request, schema, JSON.parse(line)))];
}

function problemFaults(answer) {
  const faults = [];
  if (answer.headers.get('content-type') !== 'application/problem+json') faults.push('an error that is no problem document');
  else if (JSON.parse(answer.body).status !== answer.status) faults.push('a problem of another status');
  if (answer.headers.get('cache-control') !== 'no-store') faults.push('an error that may be kept');
  for (const name of ['x-request-id', 'traceparent'])
    if (!answer.headers.has(name)) faults.push(`an error without ${name}`);
  return faults;
}

// `request.names`: of its query parameters. What is wrong with the answer, in words.
export function faultsOf(contract, operation, request, answer) {
  const type = (answer.headers.get('content-type') ?? '').split(';')[0];
  const response = contract.follow(operation.responses[answer.status]);
  const documented = response?.content?.[type];
  const faults = [];
  if (answer.status === 0) return ['no answer'];
  if (!answer.whole && !isEndless(contract, operation)) faults.push('the body is not as long as it was said to be');
  if (answer.repeated.length > 0) faults.push(`${answer.repeated} is told more than once`);
  if (answer.status >= 500) faults.push(`status ${answer.status}`);
  if (answer.headers.get('access-control-allow-origin') !== '*') faults.push('no CORS');
  if (response === undefined) return [...faults, `status ${answer.status} is not documented`];
  const named = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
  for (const name of answer.headers.keys())
    if (!UNSPOKEN.includes(name) && !named.includes(name)) faults.push(`${answer.status} with ${name}, which is not documented`);
  if (request.method === 'HEAD') return faults;
  if (answer.status >= 400) {
    faults.push(...problemFaults(answer));
    if (documented === undefined) return faults;
  }
  if (response.content !== undefined && documented === undefined)
    faults.push(`${type || 'no type'} is not documented for ${answer.status}`);
  else if (documented !== undefined && answer.status !== 206)
    faults.push(...bodyFaults(contract, operation, request, answer, type, documented.schema));
  return faults;
}
