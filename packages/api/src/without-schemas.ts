/**
 * The part of the contract that needs no schemas at run time, `@coppice/api/client`: loading the schemas
 * takes a third of a second, which every CLI command would pay.
 */
export { type Change, type ChangeKind, eventsUrl } from './change.ts'
export { ApiError, type Client, createClient } from './client.ts'
export { consoleHeader, type ConsoleSession, consoleSessionUrl } from './console.ts'
export { type Diagnostic, findExtension, mark as diagnosticMark } from './diagnostics/diagnostic.ts'
export { diagnostics } from './diagnostics/diagnostics.ts'
export { type ErrorCode, errors } from './errors.ts'
export { computeFigures, type Figure, platformFigures } from './figures.ts'
export { branchIdPattern } from './id-patterns.ts'
export { apiBasePath } from './urls.ts'
