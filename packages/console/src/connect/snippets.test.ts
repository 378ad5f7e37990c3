import { expect, test } from 'vitest'

import { hidePassword, snippets } from './snippets.ts'

const uri = "postgresql://o'wner:s3cret@ep-a.example.com:6432/neondb?sslmode=require"
const render = (id: string, caFile?: string): string =>
  snippets
    .find((snippet) => snippet.id === id)
    ?.render({ uri, pooled: true, caFile, sqlPort: 9443 }) ?? ''

test('psql takes the string as one word, whatever is in it', () => {
  expect(render('psql')).toBe(`psql '${uri.replace("'", `'\\''`)}'`)
})

test('Node is told of the authority where it is the platform’s own', () => {
  const told = 'NODE_EXTRA_CA_CERTS=/var/lib/coppice/tls/ca.crt'
  for (const id of ['node-postgres', 'serverless', 'drizzle']) {
    expect(render(id, '/var/lib/coppice/tls/ca.crt')).toContain(told)
    expect(render(id)).not.toContain('NODE_EXTRA_CA_CERTS')
  }
})

test('the serverless driver asks on the platform’s port', () => {
  expect(render('serverless')).toContain('https://localhost:9443/sql')
})

test('only psql and .env hold the password, and neither on the screen', () => {
  const holding = snippets.filter(({ id }) => render(id).includes('s3cret')).map(({ id }) => id)
  expect(holding).toEqual(['psql', 'env'])
  for (const id of holding) expect(hidePassword(render(id))).not.toContain('s3cret')
})
