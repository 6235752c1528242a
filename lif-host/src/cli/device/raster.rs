//! A spike raster as text: a row for each neuron, a column for each step.

use std::collections::VecDeque;

/// What stands for a spike, and for none.
const SPIKE: char = '|';
const SILENCE: char = '.';

/// The last steps of a layer.
#[derive(Clone, Debug)]
pub(super) struct Raster {
    neurons: usize,
    /// Packed spikes of each step, the oldest first.
    steps: VecDeque<Vec<u32>>,
    /// Most steps that are kept.
    most: usize,
}

impl Raster {
    pub(super) fn new(neurons: usize, most: usize) -> Self {
        Self {
            neurons,
            steps: VecDeque::new(),
            most: most.max(1),
        }
    }

    /// Takes the spikes of a step.
    pub(super) fn push(&mut self, words: Vec<u32>) {
        if self.steps.len() == self.most {
            self.steps.pop_front();
        }
        self.steps.push_back(words);
    }

    /// The last step, a character a neuron.
    pub(super) fn line(&self) -> String {
        let Some(words) = self.steps.back() else {
            return String::new();
        };
        (0..self.neurons)
            .map(|i| if get(words, i) { SPIKE } else { SILENCE })
            .collect()
    }

    /// Rows of `width` characters: the number of the first neuron of a row, and its spikes. Where there are more
    /// neurons than `height` rows, a row is of several of them.
    pub(super) fn rows(&self, width: usize, height: usize) -> Vec<String> {
        let a_row = self.neurons.div_ceil(height.max(1)).max(1);
        let digits = self.neurons.saturating_sub(1).to_string().len();
        let columns = width.saturating_sub(digits + 1);
        let skip = self.steps.len().saturating_sub(columns);
        let row = |first: usize| {
            let last = self.neurons.min(first + a_row);
            let any = |words: &Vec<u32>| (first..last).any(|i| get(words, i));
            let steps = self.steps.iter().skip(skip);
            let spikes: String = steps
                .map(|words| if any(words) { SPIKE } else { SILENCE })
                .collect();
            format!("{first:>digits$} {spikes}")
        };
        (0..self.neurons).step_by(a_row).map(row).collect()
    }
}

fn get(words: &[u32], i: usize) -> bool {
    words.get(i / 32).is_some_and(|w| w >> (i % 32) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_stand_where_they_were() {
        let mut raster = Raster::new(34, 3);
        assert_eq!(raster.line(), "");
        for words in [[7, 3], [1, 0], [0, 2], [2, 0]] {
            raster.push(words.to_vec());
        }
        assert_eq!(raster.line(), format!(".|{}", ".".repeat(32)));
        let rows = raster.rows(80, 40);
        assert_eq!(rows.len(), 34);
        // The first step is too old.
        assert_eq!(
            (&*rows[0], &*rows[1], &*rows[33]),
            (" 0 |..", " 1 ..|", "33 .|.")
        );
        // Two neurons a row, and the last two steps.
        let rows = raster.rows(5, 17);
        assert_eq!((rows.len(), &*rows[0], &*rows[16]), (17, " 0 .|", "32 |."));
    }
}
