import { AppError } from '../../lib/errors.ts'
import type { Handlers } from './server.ts'

const notYet = async (): Promise<never> => {
  throw new AppError('not_available', 'schemas are not available yet')
}

export function schemaHandlers() {
  return {
    getProjectBranchSchema: notYet,
    getProjectBranchSchemaComparison: notYet,
  } satisfies Partial<Handlers>
}
