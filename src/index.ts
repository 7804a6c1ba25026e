import { main } from './main.ts'
import { publishFailure } from './outputs.ts'

main().catch(publishFailure)
