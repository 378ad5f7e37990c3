import { type Change, createClient } from '@coppice/api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../../testing/control.ts'
import { until } from '../../testing/until.ts'

/** What the console's browser is answered: sessions, and the events that it follows. */
let control: TestControl
let origin: string
let mine: string
let other: string

beforeAll(async () => {
  control = await startTestControl()
  origin = new URL(control.apiUrl).origin
  const make = async (name: string) =>
    (await control.client.createProject({ body: { project: { name } } })).project.id
  mine = await make('mine')
  other = await make('other')
})
afterAll(async () => control?.close())

const own = () => ({ origin, 'x-coppice-console': '1', 'content-type': 'application/json' })

async function signIn(proof: object): Promise<Response> {
  return fetch(`${origin}/console/session`, {
    method: 'POST',
    headers: own(),
    body: JSON.stringify(proof),
  })
}

/** The cookie that an answer sets, as a browser sends it. */
const cookieOf = (answer: Response): string =>
  (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''

test('a session reaches what its key does, and nothing once the key is revoked', async () => {
  const made = await control.client.createOrgApiKey({
    path: { org_id: 'org-coppice' },
    body: { key_name: 'ci', project_id: mine },
  })
  const answer = await signIn({ api_key: made.key })
  expect(await answer.json()).toMatchObject({
    signed_in: true,
    kind: 'organization',
    project_id: mine,
  })
  const headers = { cookie: cookieOf(answer) }
  const ask = async (path: string) => (await fetch(control.apiUrl + path, { headers })).status
  expect([await ask(`/projects/${mine}`), await ask(`/projects/${other}`)]).toEqual([200, 404])
  await control.client.revokeOrgApiKey({ path: { org_id: 'org-coppice', key_id: made.id } })
  expect(await ask(`/projects/${mine}`)).toBe(401)
})

test('a session of the owner reaches everything until it is signed out', async () => {
  const link = control.consoleParts.access.createLink()
  const answer = await signIn({ link })
  const cookie = cookieOf(answer)
  expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/)
  const ask = async () =>
    (await fetch(`${control.apiUrl}/users/me`, { headers: { cookie } })).status
  expect(await ask()).toBe(200)
  const url = `${origin}/console/session`
  await fetch(url, { method: 'DELETE', headers: { ...own(), cookie } })
  expect(await ask()).toBe(401)
  expect((await signIn({ link })).status).toBe(401)
})

test('neither a token nor a password is in the store', async () => {
  await control.consoleParts.access.setPassword('correct horse battery')
  const cookie = cookieOf(await signIn({ password: 'correct horse battery' }))
  const [row] = await control.context.store<{ kept: string }[]>`
    select (select json_agg(s) from console_sessions s)::text
      || (select json_agg(p) from console_password p)::text as kept`
  expect(cookie.length).toBeGreaterThan(40)
  expect(row?.kept).not.toContain(cookie.split('=')[1])
  expect(row?.kept).not.toContain(Buffer.from('correct horse').toString('hex'))
})

test('what another site makes a browser send is refused', async () => {
  const proof = JSON.stringify({ api_key: control.apiKey })
  const post = async (headers: Record<string, string>) =>
    (await fetch(`${origin}/console/session`, { method: 'POST', headers, body: proof })).status
  const json = { 'content-type': 'application/json' }
  expect(await post({ ...json, origin })).toBe(403)
  expect(await post({ ...own(), origin: 'https://example.com' })).toBe(403)
  expect(await post({ ...own(), 'sec-fetch-site': 'cross-site' })).toBe(403)
  expect(await post(own())).toBe(200)
})

test('a stream tells what has changed, to a key for one project that alone', async () => {
  const made = await control.client.createOrgApiKey({
    path: { org_id: 'org-coppice' },
    body: { key_name: 'ci', project_id: mine },
  })
  const stop = new AbortController()
  const heard: Change[] = []
  const listening = listen(made.key, heard, stop.signal)
  await until(() => heard.length > 0)
  const make = async (project_id: string, apiKey: string) =>
    createClient({ baseUrl: control.apiUrl, apiKey }).createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'heard' } },
    })
  await make(other, control.apiKey)
  const { branch } = await make(mine, made.key)
  await until(() =>
    heard.some(({ kind, branch_id }) => kind === 'branches' && branch_id === branch.id),
  )
  await until(() =>
    heard.some(({ action, status }) => action === 'create_branch' && status === 'finished'),
  )
  stop.abort()
  await listening
  expect(new Set(heard.slice(1).map(({ project_id }) => project_id))).toEqual(new Set([mine]))
})

test('the listeners of a key for one project leave those of others their places', async () => {
  const made = await control.client.createOrgApiKey({
    path: { org_id: 'org-coppice' },
    body: { key_name: 'listeners', project_id: mine },
  })
  const stop = new AbortController()
  const connect = async (apiKey: string) =>
    fetch(`${control.apiUrl}/events`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: stop.signal,
    })
  const answers = await Promise.all(
    Array.from({ length: 110 }, async () => (await connect(made.key)).status),
  )
  expect(answers.filter((status) => status === 200)).toHaveLength(100)
  const refused = await connect(made.key)
  expect(refused.status).toBe(429)
  expect(await refused.json()).toMatchObject({
    message: expect.stringContaining(`project ${mine} has 100 of the 200 listeners`),
  })
  expect((await connect(control.apiKey)).status).toBe(200)
  stop.abort()
})

test('an address that fails ten times has to wait', async () => {
  const statuses: number[] = []
  for (let attempt = 0; attempt < 14; attempt++) {
    statuses.push((await signIn({ api_key: 'coppice_guess' })).status)
  }
  expect(statuses[0]).toBe(401)
  expect(statuses.at(-1)).toBe(429)
})

/** Reads the stream; its first event, which says that it listens, is heard as a change of nothing. */
async function listen(apiKey: string, heard: Change[], signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}` }
  const answer = await fetch(`${control.apiUrl}/events`, { headers, signal })
  let text = ''
  try {
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString()
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const [, data] = /^data: (.*)$/m.exec(event) ?? []
        if (data !== undefined) heard.push(JSON.parse(data) as Change)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
