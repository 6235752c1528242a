fn main() {
    use lif_host::cpu::*;
    use lif_host::surrogate::Surrogate;
    use lif_nostd::neuron::LifConfig;
    let params = NeuronParams { model: Model::Lif, config: LifConfig::new(2.0), detach_reset: false, surrogate: Surrogate::default(), spiking: true };
    let neurons = Neurons::<f32>::new(&params).unwrap().checkpointed().unwrap();
    let n = 1 << 20;
    let x: Vec<f32> = (0..16 * n).map(|i| ((i * 7919) % 1000) as f32 / 500.0).collect();
    let g: Vec<f32> = (0..16 * n).map(|i| ((i * 104729) % 1000) as f32 / 500.0 - 1.0).collect();
    let (mut s, mut gx) = (vec![0.0; 16 * n], vec![0.0; 16 * n]);
    let mut best = f64::MAX;
    for _ in 0..10 {
        let t = std::time::Instant::now();
        let (a, b) = s.split_at_mut(8 * n);
        let (c, d) = gx.split_at_mut(8 * n);
        std::thread::scope(|sc| { sc.spawn(|| c.copy_from_slice(a)); d.copy_from_slice(b); });
        best = best.min(t.elapsed().as_secs_f64() * 1e3);
    }
    println!("copy of 67 MB, 2 threads: {best:.2} ms, {:.1} GB/s", 134.2 / best);
    let mut saved = Checkpoints::default();
    let (mut fs, mut bs) = (vec![], vec![]);
    for _ in 0..30 {
        let t = std::time::Instant::now();
        neurons.forward(n, &x, &mut s, &mut saved);
        let f = t.elapsed().as_secs_f64() * 1e3;
        neurons.backward(n, &x, &saved, &g, &mut gx);
        let b = t.elapsed().as_secs_f64() * 1e3 - f;
        fs.push(f);
        bs.push(b);
    }
    fs.sort_by(f64::total_cmp);
    bs.sort_by(f64::total_cmp);
    println!("forward {:.2} {:.2} backward {:.2} {:.2}", fs[0], fs[15], bs[0], bs[15]);
}
