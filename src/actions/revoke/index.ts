import { runAction } from '../run.ts'
import { main } from './main.ts'

runAction({ main })
