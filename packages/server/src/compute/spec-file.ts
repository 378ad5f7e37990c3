import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { writeFileAtomically } from '../lib/files.ts'
import { type ComputeSpec, plainSpec } from './spec.ts'

const specPath = (directory: string): string => join(directory, 'spec.json')

export async function writeSpec(directory: string, spec: ComputeSpec): Promise<void> {
  await writeFileAtomically(specPath(directory), `${JSON.stringify(spec, null, 2)}\n`)
}

/** What an older version did not write is as plain as can be; it is written anew as the platform starts. */
export async function readSpec(directory: string): Promise<ComputeSpec> {
  const read: unknown = JSON.parse(await readFile(specPath(directory), 'utf8'))
  const value = typeof read === 'object' ? { ...plainSpec, ...read } : read
  if (!isSpec(value)) throw new Error(`${specPath(directory)} is not a compute's spec`)
  return value
}

const fieldTypes = {
  endpointId: 'string',
  dataDirectory: 'string',
  pgVersion: 'number',
  minComputeUnits: 'number',
  maxComputeUnits: 'number',
  sharedCompute: 'string',
  pgSettings: 'object',
  suspendTimeoutSeconds: 'number',
  disabled: 'boolean',
  blockedBecause: 'string',
  readOnly: 'boolean',
  labels: 'object',
  allowedIps: 'object',
  poolerSettings: 'object',
  logicalReplication: 'boolean',
  historyLine: 'string',
  isStandby: 'boolean',
  follows: 'string',
  jwks: 'object',
  preloadLibraries: 'object',
  blockPublicConnections: 'boolean',
  quietApplications: 'object',
} satisfies Record<keyof ComputeSpec, string>

function isSpec(value: unknown): value is ComputeSpec {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map<string, unknown>(Object.entries(value))
  return Object.entries(fieldTypes).every(
    ([name, type]) => typeof fields.get(name) === type && fields.get(name) !== null,
  )
}
