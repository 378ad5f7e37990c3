/** The price list of the platform, kept in the store. */
import type { PricePreset, Prices, PricesAnswer, PricesUpdate } from '@coppice/api'

import type { Context } from '../context.ts'
import { findPrices, setPrices } from '../store/prices.ts'
import { presetNames, presets } from './prices.ts'

const defaultPreset: PricePreset = 'mission'

/** What a list of an older version does not name costs as in the default. */
export async function pricesInForce(context: Pick<Context, 'store'>): Promise<PricesAnswer> {
  const prices = { ...presets[defaultPreset], ...(await findPrices(context.store)) }
  return { preset: presetOf(prices), prices }
}

/** A preset's prices and those given over them; without a preset, those given over what is in force. */
export async function changePrices(
  context: Pick<Context, 'store'>,
  change: PricesUpdate,
): Promise<PricesAnswer> {
  const base = change.preset ? presets[change.preset] : (await pricesInForce(context)).prices
  await setPrices(context.store, { ...base, ...change.prices })
  return pricesInForce(context)
}

function presetOf(prices: Prices): PricesAnswer['preset'] {
  const isOf = (name: PricePreset) =>
    Object.entries(presets[name]).every(([key, value]) => Reflect.get(prices, key) === value)
  return presetNames.find(isOf) ?? 'custom'
}
