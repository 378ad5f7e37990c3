import type { Prices } from '@coppice/api'
import { expect, test } from 'vitest'

import { changedPrices, priceFields } from './price-fields.ts'

const prices: Prices = {
  currency: 'USD',
  compute_unit_hour: 0.106,
  storage_gb_month: 0.35,
  history_gb_month: 0.2,
  snapshot_gb_month: 0.09,
  egress_gb: 0.1,
  extra_branch_month: 1.5,
  included_compute_unit_hours: 0,
  included_storage_gb: 0,
  included_egress_gb: 100,
  included_branches: 10,
}

test('every price has a field', () => {
  expect(priceFields.map(({ name }) => name).toSorted()).toEqual(Object.keys(prices).toSorted())
})

test('only what was changed is told', () => {
  const change = (fields: Record<string, string>) =>
    changedPrices(prices, (name) => fields[name] ?? String(prices[name]))
  expect(change({})).toEqual({})
  expect(change({ egress_gb: '0.05', currency: 'eur', storage_gb_month: '' })).toEqual({
    egress_gb: 0.05,
    currency: 'EUR',
    storage_gb_month: 0,
  })
})
