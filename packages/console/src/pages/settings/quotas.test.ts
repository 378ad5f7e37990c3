import { expect, test } from 'vitest'

import { quotaOf } from './quotas.ts'

test('quotas are told in whole seconds and bytes; an empty field is no limit', () => {
  const fields: Record<string, string> = { compute_time_seconds: '0.5', written_data_bytes: '2.5' }
  expect(quotaOf((name) => fields[name] ?? '')).toEqual({
    compute_time_seconds: 1800,
    active_time_seconds: 0,
    written_data_bytes: 2_500_000_000,
    data_transfer_bytes: 0,
    logical_size_bytes: 0,
  })
})
