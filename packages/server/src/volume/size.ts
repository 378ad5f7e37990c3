import { AppError } from '../lib/errors.ts'

const unitBytes: Record<string, number> = {
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
}

/** Bytes of a size as people write it: `512M`, `50G`, `1.5T`, `50GB`, `50 GiB`; powers of 1024. */
export function parseSize(text: string): number {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?\s*$/i.exec(text)
  const unit = unitBytes[parts?.[2]?.toUpperCase() ?? '']
  if (parts === null || unit === undefined) {
    throw new AppError('invalid_request', `not a size: ${text}; write it as 512M, 50G or 1.5T`)
  }
  return Math.round(Number(parts[1]) * unit)
}

/** A size for people: `50 GB`, `1.5 TB`; powers of 1024, one decimal at most. */
export function renderSize(sizeBytes: number): string {
  const [unit, bytes] = Object.entries(unitBytes)
    .toReversed()
    .find(([, bytes]) => sizeBytes >= bytes) ?? ['', 1]
  return `${Math.round((sizeBytes / bytes) * 10) / 10} ${unit}B`
}
