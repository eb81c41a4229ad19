// Values for parameters: good ones, of what the service holds and the document allows, and bad ones.
import fc from 'fast-check';
import { columnsOf } from './contract.mjs';
import { askJson } from './http.mjs';

const LISTS = ['station', 'measure', 'parameter', 'status', 'type', 'freshness', 'state', 'trend', 'agg'];

// What is there to be asked for.
export async function readPools(base) {
  const stations = (await askJson(base, '/v1/stations?limit=60')).items;
  const measures = (await askJson(base, '/v1/measures?limit=60')).items;
  const status = await askJson(base, '/v1/status');
  const values = (items, name) => [...new Set(items.map((item) => item[name]).filter((value) => value !== null))].map(String);
  const moments = [0, 1, 6, 12, 23].map((hours) =>
    new Date(Date.parse(status.window.latest) - hours * 3600000).toISOString().replace('.000', ''));
  return {
    station: values(stations, 'station'), measure: values(measures, 'measure'),
    parameter: values(measures, 'parameter'), qualifier: values(measures, 'qualifier'),
    river: values(stations, 'river'), catchment: values(stations, 'catchment'), town: values(stations, 'town'),
    status: values(stations, 'status'), type: values(stations, 'type'), reference: values(stations, 'reference'),
    rloi_id: values(stations, 'rloi_id'), wiski_id: values(stations, 'wiski_id'),
    q: values(stations, 'label').flatMap((label) => label.split(' ')),
    from: moments, to: moments, since: [...moments, 'PT3H', String(Date.parse(moments[2]))], generation: [status.generation],
    wait: ['PT1S'], period: ['PT1H', 'PT6H', 'P1D', 'PT90M'], step: ['PT15M', 'PT1H', 'P1D', 'PT7M'], limit: ['1', '7', '100', '1000'],
    bbox: ['-6,49,2,56', '-1.5,51,-1,52', '2,51,-2,52'], lat: ['51.5', '53'], long: ['-1.2', '0'], dist: ['0', '25', '500.5'],
    file: ['docs.js', 'index.js', 'style.css'], type_: ['bad-time', 'not-found'],
  };
}

// Whether the operation takes a parameter alone, without another one that it needs.
const COMPANY = { lat: ['long', 'dist'], long: ['lat', 'dist'], dist: ['lat', 'long'], to: ['from'], agg: ['step'], step: ['agg'], fill: ['agg', 'step'] };

function single(contract, operation, { name, in: where, schema }, pools) {
  const item = contract.follow(schema.items) ?? schema;
  const told = columnsOf(contract, operation), columns = told.length > 0 ? told : ['station', 'measure', 'time', 'value'];
  if (item.enum !== undefined) return fc.constantFrom(...item.enum.map(String));
  if (name === 'fields' && columns.length > 0) return fc.shuffledSubarray(columns, { minLength: 1 }).map((names) => names.join());
  if (name === 'sort' && columns.length > 0) return fc.shuffledSubarray(columns.slice(0, 5), { minLength: 1, maxLength: 3 }).map((names) => names.join(',-'));
  const pool = pools[where === 'path' && name === 'type' ? 'type_' : name] ?? [];
  return pool.length > 0 ? fc.constantFrom(...pool) : fc.constant(String(contract.follow(schema).example ?? 'x'));
}

// Its good values, as they stand in a query: one, some repeated, or some in a list.
export function good(contract, operation, parameter, pools) {
  const one = single(contract, operation, parameter, pools);
  if (parameter.schema.type !== 'array' || parameter.name === 'sort') return one.map((value) => [value]);
  const some = fc.array(one, { minLength: 1, maxLength: 3 });
  return LISTS.includes(parameter.name) ? fc.tuple(some, fc.boolean()).map(([values, joined]) => (joined || parameter.name === 'agg'
    ? [values.filter((value) => !value.includes(',')).join()].filter((value) => value !== '') : values)) : some;
}

// A query of good values whose parameters go together.
export function goodQuery(contract, operation, pools) {
  const queried = operation.parameters.filter(({ in: where, name }) => where === 'query' && name !== 'cursor');
  const values = fc.record(Object.fromEntries(queried.map((parameter) => [parameter.name, good(contract, operation, parameter, pools)])));
  return fc.tuple(fc.subarray(queried, { maxLength: Math.min(4, queried.length) }), values).map(([chosen, drawn]) => {
    const names = new Set(chosen.flatMap(({ name }) => [name, ...(COMPANY[name] ?? [])]));
    return queried.filter(({ name }) => names.has(name)).flatMap(({ name }) => drawn[name].map((value) => [name, value]));
  });
}

const NASTY = ['', '0', '-1', '1e309', '9999999999999999999', 'NaN', 'null', 'undefined', 'true', '-', ',', ',,', 'a,', '..', '%', '%2',
  '%00', '%zz', '%C3', '%FF%FE', '../../etc/passwd', "' OR 1=1--", 'a'.repeat(3000), '\u{1F600}', '2026-02-30T00:00:00Z', '1969-01-01',
  '99999-01-01', 'P1Y', 'PT', 'PT0S', '-PT1H', 'P99999999999D', '0-0', '7f3a-99999999', 'value,value', '-time,', '1,2,3', '181,0,0,0', '*', '"'];

export const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer().map(String), fc.double().map(String));

// Any bytes that a request line can hold.
export const bytes = fc.array(fc.integer({ min: 0x21, max: 0xff }), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes));

export const accepts = fc.constantFrom('*/*', '', 'text/html', 'text/csv', 'application/x-ndjson', 'application/geo+json',
  'image/png', 'application/json;q=0, */*', 'text/csv;q=x', ';;;,,,', 'a'.repeat(500));
