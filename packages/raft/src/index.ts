export { Raft } from './raft.ts'
export type * from './types.ts'
