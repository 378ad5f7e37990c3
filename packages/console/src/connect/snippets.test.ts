import { expect, test } from 'vitest'

import { hidePassword, type SnippetInput, snippets } from './snippets.ts'

const directUri = "postgresql://o'wner:s3cret@ep-a.example.com:5433/neondb?sslmode=require"
const pooledUri = "postgresql://o'wner:s3cret@ep-a-pooler.example.com:6432/neondb?sslmode=require"
const given: SnippetInput = {
  uri: pooledUri,
  pooledUri,
  directUri,
  caFile: '/var/lib/coppice/tls/ca.crt',
  sqlPort: 9443,
}
const find = (id: string) => {
  const found = snippets.find((snippet) => snippet.id === id)
  if (found === undefined) throw new Error(`no snippet ${id}`)
  return found
}
const render = (id: string, change: Partial<SnippetInput> = {}): string =>
  find(id).render({ ...given, ...change })

test('psql takes the string as one word, whatever is in it', () => {
  expect(render('psql')).toBe(`psql '${pooledUri.replace("'", `'\\''`)}'`)
  expect(render('psql', { uri: directUri })).toContain('ep-a.example.com:5433')
})

test('.env has the pooled string for the application and the direct one for migrations', () => {
  const lines = render('env').split('\n')
  expect(lines).toContain(`DATABASE_URL="${pooledUri}"`)
  expect(lines).toContain(`DIRECT_URL="${directUri}"`)
})

test('Node is told of the authority where it is the platform’s own', () => {
  for (const id of ['env', 'node-postgres', 'serverless', 'drizzle', 'prisma']) {
    expect(render(id)).toMatch(/NODE_EXTRA_CA_CERTS="?\/var\/lib\/coppice\/tls\/ca\.crt/)
    expect(render(id, { caFile: undefined })).not.toContain('NODE_EXTRA_CA_CERTS')
  }
})

test('what does not verify by itself is told how to', () => {
  for (const id of ['psql', 'python', 'go']) {
    expect(find(id).note?.(given)).toContain(`verify-full&sslrootcert=${given.caFile}`)
    expect(find(id).note?.({ ...given, caFile: undefined }) ?? '').not.toContain('verify-full')
  }
})

test('the serverless driver asks where the string leads, on the platform’s port', () => {
  const named = render('serverless')
  expect(named).toContain(`fetchEndpoint = 'https://ep-a-pooler.example.com:9443/sql'`)
  expect(named).toContain('wsProxy = (host) => `${host}:9443/v2`')
  const local = render('serverless', { uri: 'postgresql://o:s@localhost:6432/db?options=x' })
  expect(local).toContain(`wsProxy = 'localhost:9443/v2'`)
  expect(render('serverless', { sqlPort: undefined })).toContain(':8443/sql')
  expect(render('serverless', { sqlPort: 443 })).not.toContain('neonConfig')
})

test('only psql and .env hold the password, and neither on the screen', () => {
  const holding = snippets.filter(({ id }) => render(id).includes('s3cret')).map(({ id }) => id)
  expect(holding).toEqual(['psql', 'env'])
  for (const id of holding) expect(hidePassword(render(id))).not.toContain('s3cret')
})
