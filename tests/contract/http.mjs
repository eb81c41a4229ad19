// One request on a connection of its own, with a target of any bytes: what a tidy client would refuse
// to send is what must be tried.
import net from 'node:net';

const PATIENCE_MS = 20000;

function dechunked(body) {
  const pieces = [];
  for (let at = 0; ;) {
    const end = body.indexOf('\r\n', at, 'latin1');
    const size = parseInt(body.toString('latin1', at, end), 16);
    if (end < 0 || !(size > 0)) return { body: Buffer.concat(pieces), whole: size === 0 };
    pieces.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

// An answer whose status is 0 is none. `whole`: as many bytes came as were announced.
function parse(bytes, isHead) {
  const end = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  if (end < 0) return { status: 0, headers: new Map(), body: Buffer.alloc(0), whole: false };
  const [first, ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
  const pairs = fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  const headers = new Map(pairs);
  const repeated = pairs.map(([name]) => name).filter((name, i, names) => name !== 'link' && names.indexOf(name) !== i);
  const answer = { status: Number(first.split(' ')[1]), headers, repeated };
  const body = bytes.subarray(end + 4);
  if (headers.get('transfer-encoding') === 'chunked') return { ...answer, ...dechunked(body) };
  const bodiless = isHead || answer.status === 304 || answer.status === 204;
  return { ...answer, body, whole: body.length === (bodiless ? 0 : Number(headers.get('content-length'))) };
}

// `target` is sent byte for byte (latin1). After `lookMs` what has come is the answer.
export function ask(base, { method = 'GET', target, headers = {}, lookMs }) {
  const { hostname, port } = new URL(base);
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${hostname}:${port}`, 'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return new Promise((resolve, reject) => {
    const chunks = [];
    const socket = net.connect({ host: hostname, port: Number(port) });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer to ${target}`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(parse(Buffer.concat(chunks), method === 'HEAD')));
    if (lookMs !== undefined) setTimeout(() => socket.destroy(), lookMs);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  });
}

export async function askJson(base, target) {
  const answer = await ask(base, { target });
  if (answer.status !== 200) throw new Error(`${answer.status} to ${target}: ${answer.body}`);
  return JSON.parse(answer.body);
}
