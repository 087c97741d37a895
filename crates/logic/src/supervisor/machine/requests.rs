//! What may be asked of a supervisor, and how it answers.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Errand, Machine, Step};
use crate::supervisor::protocol::{
    Action, Answer, ChildKey, ChildState, DeleteChildError, Request, RestartChildError,
    StartChildError, TerminateChildError,
};
use crate::supervisor::spec::ChildSpec;

impl<S, T> Machine<S, T> {
    pub(super) fn requested(
        &mut self,
        token: T,
        request: Request<S>,
        actions: &mut Vec<Action<T>>,
    ) {
        let answer = match request {
            Request::StartChild(spec) => return self.start_child(token, *spec, actions),
            Request::TerminateChild(id) => return self.terminate_child(token, &id, actions),
            Request::RestartChild(id) => return self.restart_child(token, &id, actions),
            Request::DeleteChild(id) => Answer::DeleteChild(self.delete_child(&id)),
            Request::WhichChildren => Answer::WhichChildren(self.children.list()),
            Request::CountChildren => Answer::CountChildren(self.children.count()),
            Request::GetChildSpec(id) => {
                Answer::GetChildSpec(self.description(self.children.key_of(&id)))
            }
            Request::GetChildSpecOf(pid) => {
                Answer::GetChildSpec(self.description(self.children.key_of_pid(pid)))
            }
        };
        actions.push(Action::Answer(token, answer));
    }

    fn start_child(&mut self, token: T, spec: ChildSpec<S>, actions: &mut Vec<Action<T>>) {
        match self.room_for(&spec) {
            Ok(()) => {
                let key = self.children.add(spec);
                self.plan.push_back(Step::Start(key));
                self.run(Errand::StartChild(token), actions);
            }
            Err(error) => actions.push(Action::Answer(token, Answer::StartChild(Err(error)))),
        }
    }

    fn room_for(&self, spec: &ChildSpec<S>) -> Result<(), StartChildError> {
        spec.check(&self.flags).map_err(StartChildError::Spec)?;
        match self.children.key_of(&spec.id).map(|key| self.child(key).state()) {
            None => Ok(()),
            Some(ChildState::Running(pid)) => Err(StartChildError::AlreadyStarted(pid)),
            Some(ChildState::Restarting | ChildState::Stopped) => {
                Err(StartChildError::AlreadyPresent)
            }
        }
    }

    /// Synchronous: the answer comes when the process is gone. Takes back a retry (SUP-077, SUP-091).
    fn terminate_child(&mut self, token: T, id: &str, actions: &mut Vec<Action<T>>) {
        let Some(key) = self.children.key_of(id) else {
            let answer = Answer::TerminateChild(Err(TerminateChildError::NotFound));
            return actions.push(Action::Answer(token, answer));
        };
        self.plan_stops(&[key]);
        self.children.forget_attempts(key);
        self.run(Errand::TerminateChild(token), actions);
    }

    fn restart_child(&mut self, token: T, id: &str, actions: &mut Vec<Action<T>>) {
        let key = self.children.key_of(id).ok_or(RestartChildError::NotFound);
        let startable = key.and_then(|key| match self.child(key).state() {
            ChildState::Running(_) => Err(RestartChildError::Running),
            ChildState::Restarting => Err(RestartChildError::Restarting),
            ChildState::Stopped => Ok(key),
        });
        match startable {
            Ok(key) => {
                self.plan.push_back(Step::Start(key));
                self.run(Errand::RestartChild(token), actions);
            }
            Err(error) => actions.push(Action::Answer(token, Answer::RestartChild(Err(error)))),
        }
    }

    fn delete_child(&mut self, id: &str) -> Result<(), DeleteChildError> {
        let key = self.children.key_of(id).ok_or(DeleteChildError::NotFound)?;
        match self.child(key).state() {
            ChildState::Running(_) => Err(DeleteChildError::Running),
            ChildState::Restarting => Err(DeleteChildError::Restarting),
            ChildState::Stopped => {
                self.children.remove(key);
                Ok(())
            }
        }
    }

    fn description(&self, key: Option<ChildKey>) -> Option<Box<ChildSpec<()>>> {
        Some(Box::new(self.child(key?).spec.clone()))
    }
}
