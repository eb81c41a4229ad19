// Makes the documentation out of /openapi.json, and asks the service what the reader tries.
// Text of the document goes into text nodes only, so that nothing in it can become markup.

const SHOWN_MAX = 20000; // characters of an answer; more would only slow the page down
const STREAM_MS = 10000; // an answer that goes on for ever is looked at for so long

const api = await (await fetch('/openapi.json')).json();

// What the reader typed, where the service asks for a token; it goes with the page.
let token = '';

function ask(address) {
  return fetch(address, token !== '' ? { headers: { Authorization: `Bearer ${token}` } } : {});
}

// ---- elements -----------------------------------------------------------------------------------

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Paragraphs part at blank lines; `words` in them are code.
function prose(text) {
  return (text ?? '').trim().split(/\n\s*\n/).filter((part) => part !== '').map((part) =>
    element('p', {}, ...part.split('`').map((piece, i) => (i % 2 === 1 ? element('code', {}, piece) : piece))));
}

function table(head, rows) {
  const cells = (kind, row) => element('tr', {}, ...row.map((cell) => element(kind, {}, ...[cell].flat())));
  return element('table', {}, element('thead', {}, cells('th', head)), element('tbody', {}, ...rows.map((row) => cells('td', row))));
}

function folded(title, open, ...children) {
  return element('details', open ? { open: '' } : {}, element('summary', {}, title), ...children);
}

// ---- the document -------------------------------------------------------------------------------

function follow(node) {
  if (node?.$ref === undefined) return node;
  return follow(node.$ref.slice(2).split('/').reduce((at, key) => at[key], api));
}

function typeOf(schema) {
  if (schema?.$ref !== undefined) return schema.$ref.split('/').pop();
  if (schema?.enum !== undefined) return schema.enum.map(String).join(' | ');
  if (schema?.const !== undefined) return String(schema.const);
  const several = schema?.oneOf ?? schema?.anyOf ?? schema?.allOf;
  if (several !== undefined) return several.map(typeOf).join(schema.allOf !== undefined ? ' and ' : ' or ');
  if (schema?.type === 'array') return `list of ${typeOf(schema.items)}`;
  return [schema?.type ?? 'anything'].flat().join(' or ');
}

function members(schema) {
  const required = schema.required ?? [];
  return table(['member', 'type', ''], Object.entries(schema.properties ?? {}).map(([name, member]) => [
    element('code', {}, name), typeOf(member),
    [required.includes(name) ? '' : element('p', { class: 'quiet' }, 'not always there'), ...prose(follow(member)?.description)]]));
}

function operations() {
  return Object.entries(api.paths).map(([path, item]) => ({
    path, ...item.get, parameters: [...(item.parameters ?? []), ...(item.get.parameters ?? [])].map(follow),
  }));
}

// ---- trying it ----------------------------------------------------------------------------------

function control(parameter) {
  const schema = follow(parameter.schema);
  const values = schema.enum ?? follow(schema.items)?.enum;
  const name = `${parameter.in}:${parameter.name}`;
  if (values !== undefined)
    return element('select', { name, 'aria-label': parameter.name }, ...(parameter.required ? [] : [element('option', { value: '' })]),
      ...values.map((value) => element('option', { value }, String(value))));
  return element('input', { name, 'aria-label': parameter.name, placeholder: [parameter.example ?? ''].flat().join(','),
    ...(parameter.required ? { value: parameter.example ?? '' } : {}) });
}

// Only what a list may be joined by: a comma inside a name must come as it is.
function addressOf(operation, form) {
  const values = new FormData(form);
  const query = new URLSearchParams();
  let path = operation.path;
  for (const { name, in: where } of operation.parameters) {
    const value = values.get(`${where}:${name}`);
    if (where === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== '') query.append(name, value);
  }
  return path + (query.size > 0 ? `?${query}` : '');
}

// The text of an answer, as far as it is shown.
async function textOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => reader.cancel(), STREAM_MS);
  let text = '';
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text += piece.value;
    if (text.length <= SHOWN_MAX) continue;
    text = `${text.slice(0, SHOWN_MAX)}\n… and more`;
    reader.cancel();
  }
  clearTimeout(timer);
  return text;
}

async function send(operation, form, output) {
  const address = addressOf(operation, form);
  const url = new URL(address, location.href).href.replaceAll("'", '%27');
  const secret = token !== '' ? '-H "Authorization: Bearer $TOKEN" ' : '';
  output.replaceChildren(element('pre', { class: 'command' }, `curl ${secret}'${url}'`));
  try {
    const answer = await ask(address);
    output.append(
      element('p', { class: 'status' }, `${answer.status} ${answer.statusText}`),
      folded('Headers', false, element('pre', {}, [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n'))),
      element('pre', { class: 'body' }, await textOf(answer)));
  } catch (failure) {
    output.append(element('p', { class: 'status' }, String(failure)));
  }
}

function trial(operation) {
  const output = element('div', { class: 'output', 'aria-live': 'polite' });
  const rows = operation.parameters.map((parameter) => [
    [element('code', {}, parameter.name), parameter.required ? ' (needed)' : ''], control(parameter),
    [...prose(parameter.description)]]);
  const form = element('form', {}, element('button', {}, 'Send'), output, rows.length > 0 ? table(['parameter', 'value', ''], rows) : null);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(operation, form, output);
  });
  return form;
}

// ---- the page -----------------------------------------------------------------------------------

function answers(operation) {
  return table(['status', 'what it says', 'forms'], Object.entries(operation.responses).map(([status, response]) => {
    const { description, content = {}, headers = {} } = follow(response);
    const names = Object.keys(headers);
    return [status,
      [...prose(description), ...(names.length > 0 ? [element('p', { class: 'quiet' }, `Headers: ${names.join(', ')}`)] : [])],
      Object.entries(content).map(([type, { schema }]) => element('p', {}, element('code', {}, type), ` ${typeOf(schema)}`))];
  }));
}

function article(operation) {
  return element('article', { id: operation.operationId, class: 'operation' },
    element('h3', {}, element('code', {}, `GET ${operation.path}`)),
    element('p', {}, operation.summary), ...prose(operation.description),
    folded('Try it', false, trial(operation)), folded('Answers', false, answers(operation)));
}

function contents(all) {
  return element('nav', { 'aria-label': 'Operations' }, ...api.tags.flatMap((tag) => [
    element('h2', {}, `${tag.description}`),
    element('ul', {}, ...all.filter((operation) => operation.tags.includes(tag.name)).map((operation) =>
      element('li', {}, element('a', { href: `#${operation.operationId}` }, operation.path))))]));
}

// Where the service asks for a token, so does the page.
function tokenField(answer) {
  const input = element('input', { type: 'password', name: 'token', 'aria-label': 'Token', autocomplete: 'off', placeholder: 'token' });
  const form = element('form', { id: 'token' }, element('p', {}, 'This service asks for a token. It is sent with what you try, and kept by nobody.'),
    input, element('button', {}, 'Use it'), element('p', { class: 'status' }, `${answer.status} ${answer.statusText}`));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    token = input.value.trim();
    const again = await fillExamples();
    form.querySelector('.status').textContent = again.ok ? 'It is good.' : `${again.status} ${again.statusText}`;
  });
  return form;
}

// An example that is here: one measure of this service, and its station.
async function fillExamples() {
  const answer = await ask('/v1/latest?limit=1&fields=station,measure');
  const item = answer.ok ? (await answer.json()).items[0] : undefined;
  for (const name of ['station', 'measure'])
    if (item !== undefined)
      for (const input of document.getElementsByName(`path:${name}`)) input.value = item[name];
  return answer;
}

// The page is made after the browser looked for what the address names.
function showTarget() {
  const target = document.getElementById(location.hash.slice(1));
  target?.querySelector('details')?.setAttribute('open', '');
  target?.scrollIntoView();
}

const all = operations();
document.getElementById('title').textContent = `${api.info.title}: ${api.info.summary}`;
document.getElementById('main').replaceChildren(
  ...prose(api.info.description), contents(all), ...all.map(article),
  element('h2', {}, 'What answers are made of'),
  ...Object.entries(api.components.schemas).map(([name, schema]) =>
    folded(name, false, ...prose(schema.description), schema.properties !== undefined ? members(schema) : element('p', {}, typeOf(schema)),
      schema.example !== undefined ? element('pre', {}, JSON.stringify(schema.example, null, 2)) : null)));
const example = await fillExamples();
if (example.status === 401) document.querySelector('nav').before(tokenField(example));
showTarget();
addEventListener('hashchange', showTarget);
document.body.dataset.ready = 'yes';
