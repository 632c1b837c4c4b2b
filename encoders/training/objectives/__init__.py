"""Training objectives: contrastive losses, distillation, teachers."""
