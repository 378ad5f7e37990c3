/** What names of statements on server connections begin with, where the pool has made them. */
export const statementPrefix = 'coppice_'
