import { MemoryTrainer } from "./memory";
import { serve } from "./serve";

serve((settings: ConstructorParameters<typeof MemoryTrainer>[0]) => new MemoryTrainer(settings));
