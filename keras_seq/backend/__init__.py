"""TensorFlow, JAX or PyTorch under one set of names; `api.Backend` is their contract.

Nothing else in the package asks which backend runs.
"""

# ruff: noqa: F401 (the names are for other files)

import keras

if keras.config.backend() == "tensorflow":
    from keras_seq.backend.plain import (
        compiles_singly,
        fused,
        fused_both,
        fused_step,
        guarded,
        jit_pays,
        keeps_values_aside,
        kept_on_error,
        one_process_a_device,
        own_shares,
        random_state,
        set_random_state,
        straight,
        summed_over_workers,
        synchronize,
        tanh,
    )
    from keras_seq.backend.tensorflow.gradients import custom_gradient, gradient, recomputed
    from keras_seq.backend.tensorflow.graphs import (
        choose,
        compiled,
        portable,
        round_products,
        run_if,
        static_step,
        takes_tf_data,
    )
    from keras_seq.backend.tensorflow.loops import loop, product, scan
    from keras_seq.backend.tensorflow.numerics import (
        additive_scores,
        cross_entropy,
        last_valid_steps,
        predictions,
        top_k,
    )
    from keras_seq.backend.tensorflow.recurrence import hand_gradient_pays, linear_scan
    from keras_seq.backend.tensorflow.replicas import (
        added_up,
        alone,
        broken_connection,
        distribute,
        join_workers,
        part_logs,
        part_of_batch,
        parts,
        predicts_together,
        replica_sum,
        replicas,
        scope,
        shared_step,
        use_devices,
        variables_of_replicas,
        workers,
        workers_sum,
    )
elif keras.config.backend() == "jax":
    from keras_seq.backend.jax.gradients import custom_gradient, gradient, recomputed
    from keras_seq.backend.jax.graphs import (
        choose,
        compiled,
        compiles_singly,
        jit_pays,
        run_if,
        static_step,
    )
    from keras_seq.backend.jax.loops import loop, product, scan
    from keras_seq.backend.jax.numerics import (
        additive_scores,
        cross_entropy,
        last_valid_steps,
        predictions,
        tanh,
        top_k,
    )
    from keras_seq.backend.jax.recurrence import hand_gradient_pays, linear_scan
    from keras_seq.backend.jax.replicas import (
        alone,
        broken_connection,
        distribute,
        join_workers,
        own_shares,
        replicas,
        use_devices,
        workers,
        workers_sum,
    )
    from keras_seq.backend.jax.training import (
        guarded,
        keeps_values_aside,
        kept_on_error,
        round_products,
        synchronize,
    )
    from keras_seq.backend.plain import (
        added_up,
        fused,
        fused_both,
        fused_step,
        one_process_a_device,
        part_logs,
        part_of_batch,
        parts,
        portable,
        predicts_together,
        random_state,
        replica_sum,
        scope,
        set_random_state,
        shared_step,
        straight,
        summed_over_workers,
        takes_tf_data,
        variables_of_replicas,
    )
elif keras.config.backend() == "torch":
    from keras_seq.backend.plain import (
        alone,
        compiles_singly,
        guarded,
        jit_pays,
        keeps_values_aside,
        own_shares,
        part_logs,
        part_of_batch,
        portable,
        predicts_together,
        scope,
        synchronize,
        takes_tf_data,
        tanh,
        variables_of_replicas,
    )
    from keras_seq.backend.torch.gates import fused_step
    from keras_seq.backend.torch.gradients import custom_gradient, gradient, recomputed
    from keras_seq.backend.torch.graphs import choose, compiled, run_if, static_step
    from keras_seq.backend.torch.linear_scan import linear_scan
    from keras_seq.backend.torch.loops import loop, product, scan
    from keras_seq.backend.torch.numerics import (
        additive_scores,
        cross_entropy,
        last_valid_steps,
        predictions,
        top_k,
    )
    from keras_seq.backend.torch.recurrence import fused, fused_both, hand_gradient_pays
    from keras_seq.backend.torch.replicas import (
        added_up,
        broken_connection,
        distribute,
        join_workers,
        one_process_a_device,
        parts,
        replica_sum,
        replicas,
        shared_step,
        summed_over_workers,
        use_devices,
        workers,
        workers_sum,
    )
    from keras_seq.backend.torch.straight import straight
    from keras_seq.backend.torch.training import (
        kept_on_error,
        random_state,
        round_products,
        set_random_state,
    )
else:
    raise ImportError(
        "keras_seq runs on the Keras backends 'tensorflow', 'jax' and 'torch'; "
        f"KERAS_BACKEND is '{keras.config.backend()}'."
    )
