// browser.mjs BASE [TOKEN] - opens the pages in a real browser: the documentation has every operation, trying one shows
// its answer, and nothing is asked of another host. Closes with a count.
//
// The browser is told what to do over a pipe, in its own protocol: JSON messages, each with a NUL behind it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askJson } from './http.mjs';

const PATIENCE_MS = 60000;
const [base, token] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'freshet-browser-'));
const browser = spawn('chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', `--user-data-dir=${profile}`,
  '--remote-debugging-pipe', 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
process.on('exit', () => browser.kill('SIGKILL'));
const clock = setTimeout(() => {
  console.log('the browser did not do it in a minute');
  process.exit(1);
}, PATIENCE_MS);

const [, , , commands, events] = browser.stdio;
const waiting = new Map();
const asked = []; // addresses
let received = '';
events.on('data', (data) => {
  const messages = (received + data).split('\0');
  received = messages.pop();
  for (const message of messages.map((text) => JSON.parse(text))) {
    if (message.method === 'Network.requestWillBeSent') asked.push(message.params.request.url);
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  }
});

let last = 0;
function tell(method, params = {}, sessionId = undefined) {
  const id = ++last;
  commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => {
    waiting.set(id, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`))));
  });
}

const { targetId } = await tell('Target.createTarget', { url: 'about:blank' });
const { sessionId } = await tell('Target.attachToTarget', { targetId, flatten: true });
await tell('Network.enable', {}, sessionId);

// What an expression is worth in the page; a promise is waited for.
async function look(expression) {
  const { result, exceptionDetails } = await tell('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
  if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
  return result.value;
}

async function until(expression) {
  while (!(await look(expression))) await new Promise((resolve) => { setTimeout(resolve, 50); });
}

async function open(path) {
  await tell('Page.navigate', { url: base + path }, sessionId);
  await until(`location.pathname === '${path}' && document.readyState === 'complete'`);
}

let passed = 0;
let failed = 0;
function check(what, isSo) {
  passed += isSo;
  failed += !isSo;
  if (!isSo) console.log(`not so: ${what}`);
}

// Sends the form of an operation, and gives what is shown then.
async function tryOut(operation) {
  await look(`document.querySelector('#${operation} button').click()`);
  await until(`document.querySelector('#${operation} .status') !== null`);
  return look(`({ status: document.querySelector('#${operation} .status').textContent,
    command: document.querySelector('#${operation} .command').textContent,
    body: document.querySelector('#${operation} .body')?.textContent ?? '' })`);
}

await open('/');
await until(`!document.getElementById('state').textContent.startsWith('Asking')`);
check('the front page says how fresh it is', (await look(`document.getElementById('state').textContent`)).includes('the service is ok'));
check('the front page leads to the documentation', await look(`document.querySelector('a[href="/docs"]') !== null`));

await open('/docs');
await until(`document.body.dataset.ready === 'yes'`);
check('a token is asked for where the service does', (await look(`document.getElementById('token') !== null`)) === (token !== undefined));
if (token !== undefined) {
  const use = async (text) => {
    await look(`document.querySelector('#token input').value = '${text}'`);
    await look(`document.querySelector('#token .status').textContent = ''`);
    await look(`document.querySelector('#token button').click()`);
    await until(`document.querySelector('#token .status').textContent !== ''`);
    return look(`document.querySelector('#token .status').textContent`);
  };
  check('without it nothing is shown', (await tryOut('listLatestAs')).status.startsWith('401'));
  check('a wrong one is told', (await use('wrong')).startsWith('401'));
  check('a good one is told', (await use(token)) === 'It is good.');
  check('its words stand in no command', !(await tryOut('listLatestAs')).command.includes(token));
}
const api = await askJson(base, '/openapi.json'); // which is open to all
const operations = Object.values(api.paths).map((item) => item.get.operationId);
check('there are operations', operations.length > 20);
for (const operation of operations)
  check(`${operation} is documented`, await look(`document.getElementById('${operation}')?.querySelector('form') !== null`));
for (const operation of ['getStatus', 'getStationLatest', 'listMeasureReadings', 'listLatestAs']) {
  const shown = await tryOut(operation);
  check(`${operation} answers: ${shown.status} to ${shown.command}`, shown.status.startsWith('200') && JSON.parse(shown.body).generation !== undefined);
}
await look(`document.querySelector('#listStations [name="query:limit"]').value = '0'`);
check('a refusal is shown too', (await tryOut('listStations')).status.startsWith('400'));
check(`nothing is asked of another host: ${asked.filter((url) => !url.startsWith(base))}`,
  asked.length > 5 && asked.every((url) => url.startsWith(`${base}/`) || url.startsWith('about:')));

const ended = new Promise((resolve) => { browser.on('exit', resolve); });
await tell('Browser.close');
await ended;
clearTimeout(clock);
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
