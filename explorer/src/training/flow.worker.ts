import { FlowTrainer } from "./flow";
import { serve } from "./serve";

serve((settings: ConstructorParameters<typeof FlowTrainer>[0]) => new FlowTrainer(settings));
