import { expect, test } from 'vitest'

import { walStoreOptions } from './wal-store-options.ts'

test('WAL stays in the pool unless a flag, now or before, names a place', () => {
  expect(walStoreOptions({}, {})).toMatchObject({ location: undefined, isNew: false })
  const named = walStoreOptions({ 'wal-store': 's3://wal/shop/a/', 's3-region': 'eu-west-1' }, {})
  expect(named).toMatchObject({
    location: {
      bucket: 'wal',
      prefix: 'shop/a',
      endpoint: 'https://s3.eu-west-1.amazonaws.com',
      region: 'eu-west-1',
    },
    isNew: true,
    before: undefined,
  })
  const again = { ...named, isNew: false, before: named.location }
  expect(walStoreOptions({}, named.saved)).toEqual(again)
  // As a service manager names it at every start.
  expect(walStoreOptions({ 'wal-store': 's3://wal/shop/a/' }, named.saved)).toEqual(again)
})

test('one flag changes what is remembered of the others', () => {
  const saved = { wal_store: 's3://wal', s3_endpoint: 'http://127.0.0.1:9000' }
  expect(walStoreOptions({ 's3-endpoint': 'https://s3.example.org/' }, saved)).toMatchObject({
    location: { bucket: 'wal', prefix: '', endpoint: 'https://s3.example.org' },
    isNew: true,
    saved: { wal_store: 's3://wal', s3_endpoint: 'https://s3.example.org/' },
  })
  expect(walStoreOptions({ 'wal-store': 'local' }, saved)).toMatchObject({
    location: undefined,
    before: { bucket: 'wal' },
    saved: { wal_store: undefined, s3_endpoint: undefined, s3_region: undefined },
  })
})

test.for([
  [{ 'wal-store': 'wal' }, 'write s3://bucket/prefix, or local'],
  [{ 'wal-store': 's3://' }, 'write s3://bucket/prefix, or local'],
  [{ 'wal-store': 's3://Not_A_Bucket/x' }, 'write s3://bucket/prefix, or local'],
  [{ 'wal-store': 's3://wal/a//b' }, 'single slashes'],
  [{ 'wal-store': 's3://wal/ä' }, 'the prefix may have'],
  [{ 'wal-store': 's3://wal', 's3-endpoint': 'minio:9000' }, '--s3-endpoint must be a URL'],
  [{ 'wal-store': 's3://wal', 's3-endpoint': 'https://key:hush@minio' }, 'without credentials'],
  [{ 'wal-store': 's3://wal', 's3-region': 'eu west' }, 'not the name of a region'],
  [{ 's3-region': 'eu-west-1' }, 'go with --wal-store'],
] as const)('%j is refused', ([flags, message]) => {
  expect(() => walStoreOptions(flags, {})).toThrow(message)
})

test('what may hold a secret is not repeated', () => {
  const flags = { 'wal-store': 's3://wal', 's3-endpoint': 'https://key:hush@minio' }
  expect(() => walStoreOptions(flags, {})).toThrow(/^(?!.*hush)/s)
})
